import type { Scenario } from '../../support/attack-scenario.ts';

/** A file is opened by its number, past the container's file system; a file is read past its permissions. */
export const scenario: Scenario = {
  container: { capAdd: ['DAC_READ_SEARCH'], securityOpt: ['seccomp=unconfined'] },
  nearMiss: `
    /bin/touch /data/mine
    /bin/chown bob /data/mine
    /bin/chmod 0 /data/mine
    /bin/cat /data/mine`,
  attack: '/bin/privilege open_by_handle_at',
};
