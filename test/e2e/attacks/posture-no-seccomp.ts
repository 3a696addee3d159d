import type { Scenario } from '../../support/attack-scenario.ts';

/** A container may make any system call; another one has the runtime's profile. */
export const scenario: Scenario = {
  nearMissContainer: {},
  nearMiss: 'true',
  container: { securityOpt: ['seccomp=unconfined'] },
  attack: 'true',
};
