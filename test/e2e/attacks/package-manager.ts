import type { Scenario } from '../../support/attack-scenario.ts';

/** A shell that a server has started installs a package; a container's own script does, and asks what is there. */
export const scenario: Scenario = {
  nearMissContainer: { asEntrypoint: true },
  nearMiss: `
    /bin/dpkg -l
    /bin/dpkg -i /tmp/plugin.deb || true`,
  attack: '/bin/dpkg -i /tmp/tools.deb || true',
  summary: /dpkg -i \/tmp\/tools\.deb/,
};
