import type { Scenario } from '../../support/attack-scenario.ts';

/** A device node of a disk is made; one that discards everything is. */
export const scenario: Scenario = {
  nearMiss: '/bin/mknod /tmp/null c 1 3',
  attack: '/bin/privilege mknod',
};
