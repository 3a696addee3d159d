import type { Scenario } from '../../support/attack-scenario.ts';

/** A running shell is moved onto a socket; another program is. */
export const scenario: Scenario = {
  nearMiss: `/bin/shifter stdio-socket &`,
  attack: `
    /bin/cp /bin/shifter /opt/sh
    /opt/sh stdio-socket &`,
  summary: /sh .*\(.+\) has had stdin/,
};
