import type { Scenario } from '../../support/attack-scenario.ts';

/** The arguments name a mining pool by its protocol; others name a server of that name. */
export const scenario: Scenario = {
  nearMiss: '/bin/true tcp://stratum.example:3333',
  attack: '/bin/true -o stratum+tcp://pool.example:3333 -u wallet',
  summary: /true was told to mine for a pool/,
};
