import type { Scenario } from '../../support/attack-scenario.ts';

/** Programs of a container may gain privileges; those of another one may not. */
export const scenario: Scenario = {
  nearMissContainer: { securityOpt: ['no-new-privileges'] },
  nearMiss: 'true',
  container: {},
  attack: 'true',
};
