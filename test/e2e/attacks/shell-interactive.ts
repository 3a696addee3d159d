import type { Scenario } from '../../support/attack-scenario.ts';

/** Somebody opens a shell in the running container; a health check runs one without a terminal. */
export const scenario: Scenario = {
  nearMiss: (container) => container.exec(['/bin/sh', '-c', 'exit 0']),
  attack: (container) => container.terminal(['/bin/sh'], 'exit\n'),
  summary: /interactive shell \(sh\) was opened in the running container .* as root/,
};
