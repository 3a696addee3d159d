import type { Scenario } from '../../support/attack-scenario.ts';

/** A program that was brought waits for connections; the image's own copy of it does. */
export const scenario: Scenario = {
  nearMiss: `/bin/network serve 0.0.0.0 31336 0`,
  attack: `
    /bin/cp /bin/network /tmp/.x
    /tmp/.x serve 0.0.0.0 31337 0`,
  summary: /waits for connections on 0\.0\.0\.0, port 31337/,
};
