import type { Scenario } from '../../support/attack-scenario.ts';

/** A program attaches itself to another one; it asks to be traced itself. */
export const scenario: Scenario = {
  nearMiss: `/bin/pack traceme`,
  attack: `/bin/pack seize`,
  summary: /pack \(.+\) attached itself to process/,
};
