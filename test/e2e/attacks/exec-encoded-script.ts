import type { Scenario } from '../../support/attack-scenario.ts';

/** Encoded text becomes commands; a secret is decoded into a file. */
export const scenario: Scenario = {
  nearMiss: "/bin/sh -c 'echo dHJ1ZQo= | base64 -d >/tmp/secret'",
  attack: "/bin/sh -c 'echo dHJ1ZQo= | base64 -d | sh'",
  summary: /sh decoded text and ran it/,
};
