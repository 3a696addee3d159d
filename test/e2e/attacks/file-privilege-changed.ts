import type { Scenario } from '../../support/attack-scenario.ts';

/** Everybody may become root; the rules are only looked at, and a file of the same name lies elsewhere. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/cat /etc/sudoers
    echo 'ALL ALL=(ALL) NOPASSWD: ALL' >/data/sudoers`,
  attack: `echo 'ALL ALL=(ALL) NOPASSWD: ALL' >>/etc/sudoers`,
  summary: /sh \(.+\) changed \/etc\/sudoers/,
};
