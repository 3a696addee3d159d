import type { Scenario } from '../../support/attack-scenario.ts';

/** A container is given CAP_DAC_READ_SEARCH; another one is given CAP_SYS_TIME. */
export const scenario: Scenario = {
  nearMissContainer: { capAdd: ['SYS_TIME'] },
  nearMiss: 'true',
  container: { capAdd: ['DAC_READ_SEARCH'] },
  attack: 'true',
};
