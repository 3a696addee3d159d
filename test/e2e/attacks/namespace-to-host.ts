import type { Scenario } from '../../support/attack-scenario.ts';

/** A program is executed among the node's files, as nsenter does; one is executed in mounts of its own. */
export const scenario: Scenario = {
  container: {
    pidMode: 'host',
    capAdd: ['SYS_ADMIN', 'SYS_PTRACE', 'SYS_CHROOT'],
    securityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
  },
  nearMiss: '/bin/unshare -m /bin/true',
  attack: '/bin/nsenter -t 2 -m /bin/true',
  summary: /went into the host's namespaces: mount/,
};
