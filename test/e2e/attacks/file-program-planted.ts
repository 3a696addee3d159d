import type { Scenario } from '../../support/attack-scenario.ts';

/** A program is put where programs are found by name; another one is put elsewhere. */
export const scenario: Scenario = {
  nearMiss: '/bin/cp /bin/actor /opt/actor',
  attack: '/bin/cp /bin/actor /usr/local/bin/ls',
  summary: /cp \(.+\) put \/usr\/local\/bin\/ls among the programs/,
};
