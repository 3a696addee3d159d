import type { Scenario } from '../../support/attack-scenario.ts';

/** The loader is overwritten; it is read, as every start of a program does. */
export const scenario: Scenario = {
  nearMiss: '/bin/cat /lib/ld-musl-x86_64.so.1',
  attack: '/bin/cp /bin/actor /lib/ld-musl-x86_64.so.1',
  summary: /cp \(.+\) changed \/lib\/ld-musl-x86_64\.so\.1/,
};
