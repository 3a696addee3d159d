import type { Scenario } from '../../support/attack-scenario.ts';

/** A program that was brought reads the keys of a cloud account; the image's own copy of it reads them, too. */
export const scenario: Scenario = {
  nearMiss: '/bin/actor reads 1 /root/.aws/credentials',
  attack: `
    /bin/cp /bin/actor /tmp/.x
    /tmp/.x reads 1 /root/.aws/credentials`,
  summary: /\/tmp\/\.x, which is not part of the image, read \/root\/\.aws\/credentials/,
};
