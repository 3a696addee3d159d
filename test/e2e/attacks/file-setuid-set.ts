import type { Scenario } from '../../support/attack-scenario.ts';

/** A program is made to run as root whoever starts it; another one is made executable. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/cp /bin/actor /usr/local/bin/helper
    /bin/chmod 0755 /usr/local/bin/helper`,
  attack: `
    /bin/cp /bin/actor /usr/local/bin/rootsh
    /bin/chmod 4755 /usr/local/bin/rootsh`,
  summary: /\/usr\/local\/bin\/rootsh run as its owner/,
};
