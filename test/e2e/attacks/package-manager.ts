import type { Scenario } from '../../support/attack-scenario.ts';

/** A package is to be installed; a package manager is only asked what is there. */
export const scenario: Scenario = {
  nearMiss: '/bin/dpkg -l',
  attack: '/bin/dpkg -i /tmp/tools.deb || true',
  summary: /dpkg -i \/tmp\/tools\.deb/,
};
