import type { Scenario } from '../../support/attack-scenario.ts';

/** A job is put among those of cron; a job of the image is read, and a file of the same name lies elsewhere. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/cat /etc/cron.d/daily
    /bin/mkdir /data/cron.d
    echo '* * * * * root true' >/data/cron.d/update`,
  attack: `echo '* * * * * root true' >/etc/cron.d/update`,
  summary: /\/etc\/cron\.d\/update/,
};
