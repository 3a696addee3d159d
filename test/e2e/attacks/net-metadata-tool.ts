import type { Scenario } from '../../support/attack-scenario.ts';

/** A tool asks for the cloud's credentials; a program of the image does, by itself. */
export const scenario: Scenario = {
  nearMiss: `/bin/actor connect 169.254.169.254 80 || true`,
  attack: `/bin/nc -w 1 169.254.169.254 80 || true`,
  summary: /nc \(.+\) asked the cloud.s metadata service/,
};
