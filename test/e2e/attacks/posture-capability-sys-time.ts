import type { Scenario } from '../../support/attack-scenario.ts';

/** A container is given CAP_SYS_TIME; another one is given CAP_SYS_BOOT. */
export const scenario: Scenario = {
  nearMissContainer: { capAdd: ['SYS_BOOT'] },
  nearMiss: 'true',
  container: { capAdd: ['SYS_TIME'] },
  attack: 'true',
};
