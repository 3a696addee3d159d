import type { Scenario } from '../../support/attack-scenario.ts';

/** Files are packed into a session from outside, as kubectl cp does; the container packs its own. */
export const scenario: Scenario = {
  nearMiss: '/bin/tar cf - /etc/passwd >/tmp/backup.tar',
  attack: (container) => container.outside(() => container.exec(['/bin/tar', 'cf', '-', '/etc/passwd'])),
  summary: /copied through an exec session/,
};
