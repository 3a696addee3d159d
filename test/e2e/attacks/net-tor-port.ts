import type { Scenario } from '../../support/attack-scenario.ts';

/** A program speaks to Tor in its container; it speaks to another service there. */
export const scenario: Scenario = {
  nearMiss: `/bin/actor connect 127.0.0.1 9090 || true`,
  attack: `/bin/actor connect 127.0.0.1 9050 || true`,
  summary: /port 9050/,
};
