import type { Scenario } from '../../support/attack-scenario.ts';

/** A socket for raw packets is opened; one as ping has it is. */
export const scenario: Scenario = {
  nearMiss: '/bin/privilege raw',
  attack: '/bin/privilege packet',
};
