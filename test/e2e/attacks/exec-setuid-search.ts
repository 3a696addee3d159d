import type { Scenario } from '../../support/attack-scenario.ts';

/** Programs with the setuid bit are looked for; files that anybody may write are looked for as well. */
export const scenario: Scenario = {
  nearMiss: '/bin/find /etc -perm -0002',
  attack: '/bin/find /usr -perm -4000',
  summary: /find searched for programs that give privileges/,
};
