import type { Scenario } from '../../support/attack-scenario.ts';

/** A hidden file is made executable; a hidden file that nobody may execute is written. */
export const scenario: Scenario = {
  nearMiss: 'echo 1 >/tmp/.lock',
  attack: `
    echo '#!/bin/sh' >/tmp/.x
    /bin/chmod 755 /tmp/.x`,
  summary: /hidden executable \/tmp\/\.x/,
};
