import type { Scenario } from '../../support/attack-scenario.ts';

/** What was typed leads to nowhere from now on; something more is typed. */
export const scenario: Scenario = {
  nearMiss: 'echo id >>/root/.bash_history',
  attack: '/bin/ln -sf /dev/null /root/.bash_history',
  summary: /ln \(.+\) removed the history in \/root\/\.bash_history/,
};
