import type { Scenario } from '../../support/attack-scenario.ts';

/** A container with an added capability mounts something; what every container may do with its own is left out. */
export const scenario: Scenario = {
  container: { capAdd: ['SYS_ADMIN'] },
  nearMiss: `
    /bin/touch /data/file
    /bin/chown bob /data/file
    /bin/su bob -c true`,
  attack: '/bin/mount -t tmpfs none /data',
  summary: /mount \(.+\) used CAP_SYS_ADMIN in mount\(2\)/,
};
