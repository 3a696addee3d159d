import type { Scenario } from '../../support/attack-scenario.ts';

/** The hashes of the node's passwords are read through a mount; a list that everybody may read is. */
export const scenario: Scenario = {
  container: { binds: ['/etc:/data:ro'] },
  nearMiss: '/bin/cat /data/passwd',
  attack: '/bin/cat /data/shadow',
  summary: /cat read \/etc\/shadow of the node, as \/data\/shadow/,
};
