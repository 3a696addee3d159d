import type { Scenario } from '../../support/attack-scenario.ts';

/** The network is changed; it is looked at. */
export const scenario: Scenario = {
  container: { capAdd: ['NET_ADMIN'] },
  nearMiss: '/bin/ip addr',
  attack: '/bin/ip link set lo down',
};
