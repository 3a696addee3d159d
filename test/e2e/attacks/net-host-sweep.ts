import type { Scenario } from '../../support/attack-scenario.ts';

/** A program turns to many private addresses; it turns to as many of its own. */
export const scenario: Scenario = {
  nearMiss: `/bin/network sweep 127.1 600 53`,
  attack: `/bin/network sweep 10.1 600 53`,
  summary: /private addresses/,
};
