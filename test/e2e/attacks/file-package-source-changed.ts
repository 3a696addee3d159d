import type { Scenario } from '../../support/attack-scenario.ts';

/** A repository is added; the list is read. */
export const scenario: Scenario = {
  nearMiss: '/bin/cat /etc/apt/sources.list',
  attack: 'echo deb http://203.0.113.9 stable main >>/etc/apt/sources.list',
  summary: /sh \(.+\) changed \/etc\/apt\/sources\.list/,
};
