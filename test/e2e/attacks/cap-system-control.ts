import type { Scenario } from '../../support/attack-scenario.ts';

/** A program acts on how the machine is switched off (which does nothing to it); the time is asked for. */
export const scenario: Scenario = {
  container: { capAdd: ['SYS_BOOT'], securityOpt: ['seccomp=unconfined'] },
  nearMiss: '/bin/date',
  attack: '/bin/privilege reboot',
  summary: /CAP_SYS_BOOT in reboot/,
};
