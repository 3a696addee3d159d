import type { Scenario } from '../../support/attack-scenario.ts';

/** A program takes a user namespace; one takes mounts of its own. */
export const scenario: Scenario = {
  container: { capAdd: ['SYS_ADMIN'], securityOpt: ['seccomp=unconfined'] },
  nearMiss: '/bin/unshare -m /bin/true',
  attack: '/bin/unshare -U /bin/true',
};
