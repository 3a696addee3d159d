import type { Scenario } from '../../support/attack-scenario.ts';

/** A file is hidden among the devices; a pipe is made there, and shared memory is used. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/mkfifo /dev/initctl
    echo 1 >/dev/shm/PostgreSQL.1804289383`,
  attack: '/bin/cp /etc/passwd /dev/.cache',
  summary: /cp \(.+\) put the file \/dev\/\.cache among the devices/,
};
