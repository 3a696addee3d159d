import type { Scenario } from '../../support/attack-scenario.ts';

/** A program that was put in from outside reads the keys of a cloud account; the container's own processes read them. */
export const scenario: Scenario = {
  nearMiss: '/bin/actor reads 1 /root/.aws/credentials',
  attack: (container) => container.exec(['/bin/actor', 'reads', '1', '/root/.aws/credentials']),
  summary: /actor \(.+\), started from outside the container, read \/root\/\.aws\/credentials/,
};
