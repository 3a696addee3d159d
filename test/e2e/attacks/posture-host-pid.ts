import type { Scenario } from '../../support/attack-scenario.ts';

/** A container sees the node's processes; another one has namespaces of its own. */
export const scenario: Scenario = {
  nearMissContainer: {},
  nearMiss: 'true',
  container: { pidMode: 'host' },
  attack: 'true',
  summary: /shares the processes of its node/,
};
