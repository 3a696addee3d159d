import type { Scenario } from '../../support/attack-scenario.ts';

/** A program talks to the runtime by a mounted socket; then the same program talks to a server of the container. */
export const scenario: Scenario = {
  container: { binds: ['/var/run/docker.sock:/var/run/docker.sock'] },
  nearMiss: '/bin/network unix-serve /tmp/docker.sock.app',
  attack: '/bin/network unix /var/run/docker.sock',
  summary: /network \(.+\) connected to the control socket of docker/,
};
