import type { Scenario } from '../../support/attack-scenario.ts';

/** A tool connects to the Kubernetes API; a controller does. */
export const scenario: Scenario = {
  nearMiss: `/bin/actor connect 10.96.0.1 443 || true`,
  attack: `/bin/nc -w 1 10.96.0.1 443 || true`,
  summary: /nc \(.+\) connected to 10\.96\.0\.1, port 443/,
};
