import type { Scenario } from '../../support/attack-scenario.ts';

/** A program is loaded into the kernel; the same capability is used to mount something. */
export const scenario: Scenario = {
  container: { capAdd: ['SYS_ADMIN'], securityOpt: ['seccomp=unconfined'] },
  nearMiss: '/bin/mount -t tmpfs none /data',
  attack: '/bin/privilege bpf',
  summary: /privilege \(.+\) used CAP_[A-Z_]+ in bpf/,
};
