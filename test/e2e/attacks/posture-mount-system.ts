import type { Scenario } from '../../support/attack-scenario.ts';

/** A directory of the node's programs is writable in a container; another one reads it and writes data. */
export const scenario: Scenario = {
  nearMissContainer: { binds: ['/opt:/opt:ro', '/srv:/data'] },
  nearMiss: 'true',
  container: { binds: ['/opt:/opt'] },
  attack: 'true',
  summary: /can write to directories of its node's system/,
};
