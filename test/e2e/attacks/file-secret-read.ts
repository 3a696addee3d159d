import type { Scenario } from '../../support/attack-scenario.ts';

/** A tool shows a private key; the public one is shown, and a program reads the key that is its own. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/cat /root/.ssh/id_ed25519.pub
    /bin/actor reads 1 /root/.ssh/id_ed25519`,
  attack: '/bin/base64 /root/.ssh/id_ed25519',
  summary: /base64 \(.+\) read \/root\/\.ssh\/id_ed25519/,
};
