import type { Scenario } from '../../support/attack-scenario.ts';

/** Namespaces are changed by a capability of the container; the same capability is used to mount something. */
export const scenario: Scenario = {
  container: { capAdd: ['SYS_ADMIN'] },
  nearMiss: '/bin/mount -t tmpfs none /data',
  attack: '/bin/unshare -m /bin/true',
  summary: /unshare\(2\)/,
};
