import type { Scenario } from '../../support/attack-scenario.ts';

/** The runtime's socket is mounted; so is another socket's folder. */
export const scenario: Scenario = {
  nearMissContainer: { binds: ['/var/tmp:/run/app'] },
  nearMiss: 'true',
  container: { binds: ['/var/run/docker.sock:/srv/engine.sock'] },
  attack: 'true',
  summary: /holds the container runtime.s socket/,
};
