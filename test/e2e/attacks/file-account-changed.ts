import type { Scenario } from '../../support/attack-scenario.ts';

/** A second root is written into the accounts; they are read, and a list of the same name is written elsewhere. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/cat /etc/passwd
    echo x::0:0::/:/bin/sh >>/data/passwd`,
  attack: 'echo x::0:0::/:/bin/sh >>/etc/passwd',
  summary: /sh \(.+\) changed \/etc\/passwd/,
};
