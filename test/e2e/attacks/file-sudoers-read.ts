import type { Scenario } from '../../support/attack-scenario.ts';

/** The rules of sudo are read; their permissions are looked at, as ls does. */
export const scenario: Scenario = {
  nearMiss: '/bin/ls -l /etc/sudoers',
  attack: '/bin/cat /etc/sudoers',
  summary: /cat \(.+\) read \/etc\/sudoers/,
};
