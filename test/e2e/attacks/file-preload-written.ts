import type { Scenario } from '../../support/attack-scenario.ts';

/** A library is set up to be loaded into every program; one is set up to be found. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/mkdir /etc/ld.so.conf.d
    echo /opt/lib >/etc/ld.so.conf.d/app.conf`,
  attack: 'echo /opt/lib/hide.so >/etc/ld.so.preload',
};
