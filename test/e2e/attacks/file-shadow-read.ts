import type { Scenario } from '../../support/attack-scenario.ts';

/** Hashes of passwords are read under another name of the file; accounts that anybody may read are, as ls does. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/cat /etc/passwd
    /bin/ls -l /etc`,
  attack: `
    /bin/ln /etc/shadow /data/harmless
    /bin/cat /data/harmless`,
  summary: /shadow/,
};
