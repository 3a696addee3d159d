import type { Scenario } from '../../support/attack-scenario.ts';

/** A library is replaced; its directory is looked at. */
export const scenario: Scenario = {
  nearMiss: '/bin/ls -l /usr/lib',
  attack: `
    /bin/cp /bin/actor /data/lib
    /bin/mv /data/lib /usr/lib/libpam.so.0`,
  summary: /libpam\.so\.0/,
};
