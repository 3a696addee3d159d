import type { Scenario } from '../../support/attack-scenario.ts';

/** A secret gets a harmless name; a setting does. */
export const scenario: Scenario = {
  nearMiss: '/bin/ln -s /etc/hosts.allow /tmp/report',
  attack: '/bin/ln -s /etc/shadow /tmp/report.txt',
  summary: /\/tmp\/report\.txt lead to \/etc\/shadow/,
};
