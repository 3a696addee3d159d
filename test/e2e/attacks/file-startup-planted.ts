import type { Scenario } from '../../support/attack-scenario.ts';

/** The script with which the image starts is changed; another script of the same name is written elsewhere. */
export const scenario: Scenario = {
  nearMiss: 'echo exit >/data/docker-entrypoint.sh',
  attack: 'echo /tmp/.x >>/docker-entrypoint.sh',
  summary: /sh \(.+\) changed \/docker-entrypoint\.sh/,
};
