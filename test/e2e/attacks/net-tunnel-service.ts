import { askNameServer } from '../../support/ask-name-server.ts';
import type { Scenario } from '../../support/attack-scenario.ts';

/** A service that makes tunnels is looked up; another one is. */
export const scenario: Scenario = {
  nearMiss: askNameServer('registry.example'),
  attack: askNameServer('abc123.ngrok-free.app'),
  summary: /ngrok-free/,
};
