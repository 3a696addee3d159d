import type { Scenario } from '../../support/attack-scenario.ts';

/** The container's own script installs a package; in another container a shell does that a server has started. */
export const scenario: Scenario = {
  nearMissContainer: {},
  nearMiss: '/bin/dpkg -i /tmp/plugin.deb || true',
  container: { asEntrypoint: true },
  attack: '/bin/dpkg -i /tmp/plugin.deb || true',
  summary: /dpkg -i \/tmp\/plugin\.deb/,
};
