import type { Scenario } from '../../support/attack-scenario.ts';

/** A network is set up in a user namespace; it is looked at. */
export const scenario: Scenario = {
  container: { securityOpt: ['seccomp=unconfined'] },
  nearMiss: '/bin/unshare -U -r -n /bin/ip addr',
  attack: '/bin/unshare -U -r -n /bin/ip link set lo up',
};
