import { askNameServer } from '../../support/ask-name-server.ts';
import type { Scenario } from '../../support/attack-scenario.ts';

/** A hidden service is looked up; a name that has the word in it is. */
export const scenario: Scenario = {
  nearMiss: askNameServer('onion.example.com'),
  attack: askNameServer('expyuzz4wqqyqhjn.onion'),
  summary: /expyuzz4wqqyqhjn\.onion/,
};
