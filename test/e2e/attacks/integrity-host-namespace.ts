import type { Scenario } from '../../support/attack-scenario.ts';

/** A process goes to the node's files and stays there; another one takes a network of its own. */
export const scenario: Scenario = {
  container: {
    binds: ['/proc:/host:ro'],
    capAdd: ['SYS_ADMIN', 'SYS_PTRACE', 'SYS_CHROOT'],
    securityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
  },
  nearMiss: '/bin/shifter unshare net &',
  attack: '/bin/shifter setns /host/2/ns/mnt &',
  summary: /shifter \(.+\) has entered the host's namespaces: mount/,
};
