import type { Scenario } from '../../support/attack-scenario.ts';

/** A program that was brought connects to a port of mining pools; a program of the image does. */
export const scenario: Scenario = {
  nearMiss: `/bin/actor connect 8.8.4.4 3333 || true`,
  attack: `
    /bin/cp /bin/actor /tmp/.x
    /tmp/.x connect 8.8.4.4 3333 || true`,
  summary: /port 3333/,
};
