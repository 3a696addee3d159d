import type { Scenario } from '../../support/attack-scenario.ts';

/** netcat talks to somebody; a script asks with it whether a port is open. */
export const scenario: Scenario = {
  nearMiss: '/bin/nc -z 127.0.0.1 5432 || true',
  attack: '/bin/nc 127.0.0.1 4444 || true',
  summary: /nc was started in .*: \/bin\/nc 127\.0\.0\.1 4444/,
};
