import type { Scenario } from '../../support/attack-scenario.ts';

/** The node's whole file system is mounted; a folder of it is. */
export const scenario: Scenario = {
  nearMissContainer: { binds: ['/var/tmp:/host:ro'] },
  nearMiss: 'true',
  container: { binds: ['/:/host:ro'] },
  attack: 'true',
};
