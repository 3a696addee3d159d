import type { Scenario } from '../../support/attack-scenario.ts';

/** A program runs from memory; a program of the image is executed by a descriptor, which has no name either. */
export const scenario: Scenario = {
  nearMiss: '/bin/executor descriptor /bin/busybox true',
  attack: '/bin/actor memfd-exec /bin/busybox true',
};
