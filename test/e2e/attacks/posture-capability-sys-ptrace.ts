import type { Scenario } from '../../support/attack-scenario.ts';

/** A container is given CAP_SYS_PTRACE; another one is given CAP_SYS_TIME. */
export const scenario: Scenario = {
  nearMissContainer: { capAdd: ['SYS_TIME'] },
  nearMiss: 'true',
  container: { capAdd: ['SYS_PTRACE'] },
  attack: 'true',
};
