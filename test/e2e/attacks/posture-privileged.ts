import type { Scenario } from '../../support/attack-scenario.ts';

/** A container is made privileged; another one has a single capability added. */
export const scenario: Scenario = {
  nearMissContainer: { capAdd: ['SYS_ADMIN'] },
  nearMiss: 'true',
  container: { privileged: true, createOnly: true },
  attack: 'true',
};
