import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KernelEvent } from '../../agent/decode/kernel-event.ts';
import { buildTestImage } from '../support/docker.ts';
import { ofKind, only, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;

beforeAll(async () => {
  await buildTestImage();
  session = new SensorSession().start();
});

afterAll(() => session.close());

function eventsOf(script: string): Promise<KernelEvent[]> {
  return session.eventsOf({
    command: ['/bin/sh', '-c', `${script}; :`],
    sysctls: { 'net.ipv6.conf.lo.disable_ipv6': '0' },
  });
}

describe('cgroup/post_bind', () => {
  it('reports the address that a UDP server takes', async () => {
    const events = await eventsOf('/bin/network bind udp 0.0.0.0 5300');
    const { pid } = only(ofKind(events, 'exec').filter((exec) => exec.argv[0] === '/bin/network'));
    expect(only(ofKind(events, 'bind'))).toMatchObject({
      ...{ pid, comm: 'network', transport: 'udp', family: 'ipv4', localAddress: '0.0.0.0', localPort: 5300 },
      repeats: 0,
    });
  });

  it('reports IPv6, TCP and a mapped address', async () => {
    const events = await eventsOf(
      '/bin/network bind udp :: 5301; /bin/network bind tcp ::1 5302; /bin/network bind udp ::ffff:127.0.0.1 5303',
    );
    expect(ofKind(events, 'bind')).toMatchObject([
      { transport: 'udp', family: 'ipv6', localAddress: '::', localPort: 5301 },
      { transport: 'tcp', family: 'ipv6', localAddress: '::1', localPort: 5302 },
      { transport: 'udp', family: 'ipv4', localAddress: '127.0.0.1', localPort: 5303 },
    ]);
  });

  it('reports ports that the kernel chooses once, with the port of the first', async () => {
    const events = await eventsOf('for i in 1 2 3; do /bin/network bind udp 127.0.0.1 0; done');
    expect(only(ofKind(events, 'bind')).localPort).toBeGreaterThanOrEqual(32_768);
  });

  it('says nothing of an address that cannot be taken', async () => {
    expect(ofKind(await eventsOf('/bin/network bind udp 192.0.2.1 5304'), 'bind')).toEqual([]);
  });
});
