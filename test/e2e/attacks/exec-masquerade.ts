import type { Scenario } from '../../support/attack-scenario.ts';

/** A program takes the name of a thread of the kernel; another one is the program that is called "[". */
export const scenario: Scenario = {
  nearMiss: '/bin/[ -e /etc/passwd ]',
  attack: '/bin/sh -c \'exec -a "[kworker/0:1]" /bin/actor true\'',
  summary: /\/bin\/actor calls itself \[kworker\/0:1\]/,
};
