import type { Scenario } from '../../support/attack-scenario.ts';

/** The kernel's messages are opened; how it prints them is read. */
export const scenario: Scenario = {
  container: { capAdd: ['SYSLOG'] },
  nearMiss: '/bin/cat /proc/sys/kernel/printk',
  attack: '/bin/dd if=/proc/kmsg count=0',
};
