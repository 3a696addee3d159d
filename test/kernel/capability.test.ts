import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CapabilityEvent } from '../../agent/decode/kernel-event.ts';
import { buildTestImage, type RunOptions } from '../support/docker.ts';
import { ofKind, only, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;

beforeAll(async () => {
  await buildTestImage();
  session = new SensorSession().start();
});

afterAll(() => session.close());

/** Docker's seccomp profile refuses mount(2) before the kernel asks for the capability; Kubernetes' default does not. */
const unconfined = { securityOpt: ['seccomp=unconfined'] };

async function capabilitiesOf(
  command: string[],
  options: Omit<RunOptions, 'command'> = {},
): Promise<CapabilityEvent[]> {
  return ofKind(await session.eventsOf({ command, ...options }), 'capability');
}

it('reports a denied capability with the syscall that asked', async () => {
  const event = only(
    (await capabilitiesOf(['/bin/actor', 'mount'], unconfined)).filter((each) => each.syscallName === 'mount'),
  );
  expect(event).toMatchObject({
    kind: 'capability',
    comm: 'actor',
    capability: 21,
    capabilityName: 'CAP_SYS_ADMIN',
    syscallNumber: process.arch === 'x64' ? 165 : 40,
    syscallName: 'mount',
    granted: false,
    repeats: 0,
  });
  expect(event.startKtimeNs).toBeLessThan(event.ktimeNs);
});

it('reports a granted capability', async () => {
  const events = await capabilitiesOf(['/bin/actor', 'mount'], { capAdd: ['SYS_ADMIN'] });
  expect(only(events.filter((event) => event.syscallName === 'mount'))).toMatchObject({
    capabilityName: 'CAP_SYS_ADMIN',
    granted: true,
  });
  const chown = await capabilitiesOf(['/bin/chown', '33', '/etc/passwd']);
  expect(chown.filter((event) => event.capabilityName === 'CAP_CHOWN')).toMatchObject([{ granted: true }]);
});

it('sends the first of repeated uses only', async () => {
  const events = await capabilitiesOf(
    ['/bin/sh', '-c', 'for i in 1 2 3 4 5; do /bin/actor mount; done; :'],
    unconfined,
  );
  expect(events.filter((event) => event.syscallName === 'mount')).toHaveLength(1);
});

it('does not blame the container for what the runtime does to set it up', async () => {
  expect(await capabilitiesOf(['/bin/true'])).toEqual([]);
});

it('sees what passes seccomp in a default container', async () => {
  const events = await capabilitiesOf(['/bin/ip', 'link', 'set', 'lo', 'down']);
  expect(events.filter((event) => event.capabilityName === 'CAP_NET_ADMIN')).toMatchObject([{ granted: false }]);
});

it('drops the checks that the kernel makes on its own account', async () => {
  const script = 'ls -l /proc /proc/1 /etc; cat /etc/passwd; cp /etc/passwd /tmp/x; rm /tmp/x; sleep 0.01; id';
  const events = await capabilitiesOf(['/bin/sh', '-c', script], { user: '65534:65534' });
  const noisy = ['CAP_SYS_ADMIN', 'CAP_SYS_RESOURCE', 'CAP_SYS_PTRACE', 'CAP_SETPCAP'];
  expect(events.filter((event) => noisy.includes(event.capabilityName))).toEqual([]);
});
