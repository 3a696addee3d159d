import type { Scenario } from '../../support/attack-scenario.ts';

/** A program that was brought calls somebody; the image's own copy of it does. */
export const scenario: Scenario = {
  nearMiss: `/bin/actor connect 8.8.4.4 443 || true`,
  attack: `
    /bin/cp /bin/actor /tmp/.x
    /tmp/.x connect 8.8.4.4 443 || true`,
  summary: /\/tmp\/\.x, which is not part of the image, connected to 8\.8\.4\.4/,
};
