import type { Scenario } from '../../support/attack-scenario.ts';

/** A program is left in /tmp; data is left there. */
export const scenario: Scenario = {
  nearMiss: '/bin/cp /etc/passwd /tmp/list',
  attack: '/bin/cp /bin/actor /tmp/tool',
  summary: /executable \/tmp\/tool/,
};
