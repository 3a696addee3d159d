import type { Scenario } from '../../support/attack-scenario.ts';

/** A socket as ping has it is opened; an ordinary one is. */
export const scenario: Scenario = {
  nearMiss: '/bin/nc -z 127.0.0.1 9 || true',
  attack: '/bin/privilege raw',
};
