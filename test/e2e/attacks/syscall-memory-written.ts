import type { Scenario } from '../../support/attack-scenario.ts';

/** A program writes into the memory of another one; it traces one. */
export const scenario: Scenario = {
  container: { securityOpt: ['seccomp=unconfined'] },
  nearMiss: '/bin/pack seize',
  attack: '/bin/pack writev',
  summary: /pack \(.+\) wrote into the memory of process/,
};
