import type { Scenario } from '../../support/attack-scenario.ts';

/** A program that was brought leads its input to a connection; the image's own copy of it does. */
export const scenario: Scenario = {
  nearMiss: `/bin/pack dup2`,
  attack: `
    /bin/cp /bin/pack /tmp/.x
    /tmp/.x dup2`,
  summary: /led its descriptor 0 to 127\.0\.0\.1/,
};
