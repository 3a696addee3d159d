import type { Scenario } from '../../support/attack-scenario.ts';

/** A program asks to be traced; it traces another one. */
export const scenario: Scenario = {
  nearMiss: `/bin/pack seize`,
  attack: `/bin/pack traceme`,
  summary: /pack \(.+\) asked to be traced/,
};
