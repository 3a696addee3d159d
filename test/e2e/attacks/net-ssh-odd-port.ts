import type { Scenario } from '../../support/attack-scenario.ts';

/** SSH goes out on the port of web pages, and before on its own. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/cp /bin/actor /opt/ssh
    /opt/ssh connect 8.8.4.4 22 || true`,
  attack: `/opt/ssh connect 8.8.4.4 443 || true`,
  summary: /on port 443/,
};
