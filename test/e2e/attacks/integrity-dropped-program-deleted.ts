import type { Scenario } from '../../support/attack-scenario.ts';

/** A program that was brought deletes itself; another one runs on with its file. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/cp /bin/shifter /tmp/.y
    /tmp/.y wait &`,
  attack: `
    /bin/cp /bin/shifter /tmp/.x
    /tmp/.x unlink-self &`,
  summary: /\/tmp\/\.x, which was not part of the image/,
};
