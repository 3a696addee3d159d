import type { Scenario } from '../../support/attack-scenario.ts';

/** The file of a running program of the image is deleted; a program runs with its file. */
export const scenario: Scenario = {
  nearMiss: `/bin/shifter wait &`,
  attack: `/bin/shifter unlink-self &`,
  summary: /shifter/,
};
