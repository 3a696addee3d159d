import type { Scenario } from '../../support/attack-scenario.ts';

/** A shell is executed with a connection as its input; another program is, and a shell has a socket pair. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/actor listen 4444 & /bin/sleep 0.2
    /bin/actor reverse 127.0.0.1 4444 /bin/actor true
    /bin/executor pair /bin/busybox sh -c true`,
  attack: `
    /bin/actor listen 4445 & /bin/sleep 0.2
    /bin/actor reverse 127.0.0.1 4445 /bin/sh -c true`,
  summary: /127\.0\.0\.1:4445/,
};
