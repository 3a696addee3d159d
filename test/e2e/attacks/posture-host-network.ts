import type { Scenario } from '../../support/attack-scenario.ts';

/** A container uses the node's network; another one has its own. */
export const scenario: Scenario = {
  nearMissContainer: {},
  nearMiss: 'true',
  container: { networkMode: 'host' },
  attack: 'true',
};
