import type { Scenario } from '../../support/attack-scenario.ts';

/** A process has another file named as its program; a server's program is deleted while it runs, as an update does. */
export const scenario: Scenario = {
  container: { capAdd: ['SYS_ADMIN'], securityOpt: ['seccomp=unconfined'] },
  nearMiss: `
    /bin/cp /bin/shifter /tmp/server
    /tmp/server unlink-self &`,
  attack: '/bin/disguise /bin/sleep &',
};
