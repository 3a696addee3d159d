import type { Scenario } from '../../support/attack-scenario.ts';

/** Ports are tried one after the other; a program turns to as many places on one port, as a crawler does. */
export const scenario: Scenario = {
  nearMiss: '/bin/network sweep 127.1 600 53',
  attack: '/bin/network scan 127.0.0.1 20000 600 || true',
};
