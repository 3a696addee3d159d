import type { Scenario } from '../../support/attack-scenario.ts';

/** A program is written at run time and then executed; a script that is written at run time is run by the image's shell. */
export const scenario: Scenario = {
  nearMiss: `
    echo 'exit 0' >/tmp/script
    /bin/sh /tmp/script
    /bin/cp /bin/busybox /tmp/kept`,
  attack: `
    /bin/cp /bin/actor /tmp/.x
    /tmp/.x true`,
  summary: /\/tmp\/\.x was written at run time .* and then executed by sh \(root\)/,
};
