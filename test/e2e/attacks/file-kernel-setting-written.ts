import type { Scenario } from '../../support/attack-scenario.ts';

/**
 * What the kernel runs when a program crashes is opened for writing, through the node's /proc (nothing is written, so that
 * nothing changes); it is read, and another setting is written.
 */
export const scenario: Scenario = {
  container: { binds: ['/proc:/host'] },
  nearMiss: `
    /bin/cat /host/sys/kernel/core_pattern
    /bin/dd if=/dev/null of=/host/sys/kernel/printk`,
  attack: '/bin/dd if=/dev/null of=/host/sys/kernel/core_pattern',
  summary: /dd \(.+\) wrote .*core_pattern/,
};
