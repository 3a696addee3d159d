import type { Scenario } from '../../support/attack-scenario.ts';

/** A user's program becomes root by a capability of its file; it becomes another user. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/cp /bin/privilege /opt/helper
    /bin/executor capabilities /opt/helper 80
    /bin/su bob -c "/opt/helper setresuid-34"`,
  attack: '/bin/su bob -c "/opt/helper setuid-0"',
  summary: /helper, started as user 1000, became root/,
};
