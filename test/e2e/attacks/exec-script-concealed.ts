import type { Scenario } from '../../support/attack-scenario.ts';

/** A script is run from /dev/shm; another one from where everybody sees it. */
export const scenario: Scenario = {
  nearMiss: `
    echo true >/tmp/script
    /bin/sh /tmp/script`,
  attack: `
    echo true >/dev/shm/script
    /bin/sh /dev/shm/script`,
  summary: /sh ran \/dev\/shm\/script, a script in a hidden place/,
};
