import type { Scenario } from '../../support/attack-scenario.ts';

/** An interpreter makes a file in memory; another program does. */
export const scenario: Scenario = {
  nearMiss: `/bin/pack memfd`,
  attack: `
    /bin/cp /bin/pack /opt/perl
    /opt/perl memfd`,
  summary: /perl .*\(.+\) made a file in memory/,
};
