import { askNameServer } from '../../support/ask-name-server.ts';
import type { Scenario } from '../../support/attack-scenario.ts';

/** A mining pool is looked up; a pool of clocks is. */
export const scenario: Scenario = {
  nearMiss: askNameServer('pool.ntp.org'),
  attack: askNameServer('pool.supportxmr.com'),
  summary: /pool\.supportxmr\.com/,
};
