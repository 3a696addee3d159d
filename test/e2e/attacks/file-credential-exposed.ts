import type { Scenario } from '../../support/attack-scenario.ts';

/** Everybody may read the hashes of passwords; only its group may. */
export const scenario: Scenario = {
  nearMiss: '/bin/chmod 640 /etc/shadow',
  attack: '/bin/chmod 644 /etc/shadow',
  summary: /chmod \(.+\) gave everybody access to \/etc\/shadow/,
};
