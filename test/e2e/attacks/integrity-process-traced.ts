import type { Scenario } from '../../support/attack-scenario.ts';

/** A process is traced by another one; a process waits for its child. */
export const scenario: Scenario = {
  nearMiss: '/bin/shifter fork 1 &',
  attack: '/bin/shifter seize &',
  summary: /shifter \(.+\) is traced by a process \(\/bin\/shifter/,
};
