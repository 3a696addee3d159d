import type { Scenario } from '../../support/attack-scenario.ts';

/** A program takes mounts of its own; one takes a user namespace only. */
export const scenario: Scenario = {
  container: { capAdd: ['SYS_ADMIN'], securityOpt: ['seccomp=unconfined'] },
  nearMiss: '/bin/unshare -U /bin/true',
  attack: '/bin/unshare -m /bin/true',
};
