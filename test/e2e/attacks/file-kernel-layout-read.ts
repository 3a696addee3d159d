import type { Scenario } from '../../support/attack-scenario.ts';

/** The addresses of the kernel's functions are read; other things that everybody reads in /proc are. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/cat /proc/version
    /bin/free`,
  attack: '/bin/head -n 1 /proc/kallsyms',
  summary: /head \(.+\) read \/proc\/kallsyms/,
};
