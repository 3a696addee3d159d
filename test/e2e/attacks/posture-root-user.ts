import type { Scenario } from '../../support/attack-scenario.ts';

/** A container runs as root; another one as a user. */
export const scenario: Scenario = {
  nearMissContainer: { user: 'bob' },
  nearMiss: 'true',
  container: {},
  attack: 'true',
};
