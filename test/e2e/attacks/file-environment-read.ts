import type { Scenario } from '../../support/attack-scenario.ts';

/** The environment of the container's first program is shown; a program shows its own. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/cat /proc/self/environ >/dev/null
    /bin/env >/dev/null`,
  attack: '/bin/strings /proc/1/environ >/dev/null',
  summary: /strings \(.+\) read \/proc\/1\/environ/,
};
