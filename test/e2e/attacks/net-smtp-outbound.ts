import type { Scenario } from '../../support/attack-scenario.ts';

/** A program delivers mail by itself; it hands it to a relay in its network. */
export const scenario: Scenario = {
  nearMiss: `/bin/actor connect 10.0.0.25 25 || true`,
  attack: `/bin/actor connect 8.8.4.4 25 || true`,
  summary: /port 25/,
};
