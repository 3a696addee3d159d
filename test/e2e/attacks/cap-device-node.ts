import type { Scenario } from '../../support/attack-scenario.ts';

/** A device node is made; a named pipe, which needs no capability, is. */
export const scenario: Scenario = {
  nearMiss: '/bin/mkfifo /tmp/pipe',
  attack: '/bin/mknod /tmp/null c 1 3',
};
