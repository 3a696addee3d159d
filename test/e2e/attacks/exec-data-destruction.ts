import type { Scenario } from '../../support/attack-scenario.ts';

/** A file is overwritten so that nobody can read it again; another one is removed. */
export const scenario: Scenario = {
  nearMiss: `
    echo data >/tmp/one
    /bin/rm -f /tmp/one
    /bin/dd if=/dev/zero of=/tmp/two count=1`,
  attack: `
    echo data >/data/file
    /bin/shred -u /data/file`,
  summary: /shred destroyed data: \/bin\/shred -u \/data\/file/,
};
