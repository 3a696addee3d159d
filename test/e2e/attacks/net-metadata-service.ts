import type { Scenario } from '../../support/attack-scenario.ts';

/** The address of the cloud's credentials is asked; the name server at the same address is, too, and that is no harm. */
export const scenario: Scenario = {
  nearMiss: '/bin/actor connect 169.254.169.254 53 || true',
  attack: '/bin/actor connect 169.254.169.254 80 || true',
  summary: /169\.254\.169\.254, port 80/,
};
