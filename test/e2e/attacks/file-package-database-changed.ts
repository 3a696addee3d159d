import type { Scenario } from '../../support/attack-scenario.ts';

/** A package is taken from the list of what is installed; the list is read. */
export const scenario: Scenario = {
  nearMiss: '/bin/grep -c Package /var/lib/dpkg/status || true',
  attack: ': >/var/lib/dpkg/status',
  summary: /sh \(.+\) changed \/var\/lib\/dpkg\/status/,
};
