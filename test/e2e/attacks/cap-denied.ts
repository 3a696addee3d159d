import type { Scenario } from '../../support/attack-scenario.ts';

/** Without seccomp in the way, the kernel refuses a mount; being refused somebody else's file is everyday life. */
export const scenario: Scenario = {
  container: { securityOpt: ['seccomp=unconfined'] },
  nearMiss: '/bin/su bob -c "/bin/cat /etc/shadow" || true',
  attack: '/bin/actor mount || true',
  summary: /mount\(2\), which needs CAP_SYS_ADMIN/,
};
