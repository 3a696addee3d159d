import type { Scenario } from '../../support/attack-scenario.ts';

/** A process of another user is traced; a process traces its own child, which needs no capability. */
export const scenario: Scenario = {
  container: { capAdd: ['SYS_PTRACE'], securityOpt: ['seccomp=unconfined'] },
  nearMiss: '/bin/shifter seize &',
  attack: '/bin/privilege ptrace-attach',
  summary: /privilege \(.+\) used CAP_SYS_PTRACE in ptrace/,
};
