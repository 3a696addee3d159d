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
  return session.eventsOf({ command: ['/bin/sh', '-c', `${script}; :`] });
}

describe('cgroup/sendmsg', () => {
  it('reports a datagram from a socket that is not connected', async () => {
    const events = await eventsOf('/bin/network send 127.0.0.1 5353');
    const { pid } = only(ofKind(events, 'exec').filter((exec) => exec.argv[0] === '/bin/network'));
    expect(only(ofKind(events, 'connect'))).toMatchObject({
      ...{ pid, tid: pid, comm: 'network', transport: 'udp', family: 'ipv4' },
      ...{ remoteAddress: '127.0.0.1', remotePort: 5353, remoteNames: [], repeats: 0 },
    });
  });

  it('reports IPv6, and a mapped address as the IPv4 address it is', async () => {
    const events = await eventsOf('/bin/network send ::1 5353; /bin/network send ::ffff:127.0.0.1 5354');
    expect(ofKind(events, 'connect')).toMatchObject([
      { transport: 'udp', family: 'ipv6', remoteAddress: '::1', remotePort: 5353 },
      { transport: 'udp', family: 'ipv4', remoteAddress: '127.0.0.1', remotePort: 5354 },
    ]);
  });

  it('says nothing of what a socket for IPv6 only cannot send', async () => {
    expect(ofKind(await eventsOf('/bin/network send ::ffff:127.0.0.1 5355 v6only'), 'connect')).toEqual([]);
  });

  it('sends the first of a storm of datagrams only', async () => {
    expect(ofKind(await eventsOf('/bin/network storm 200 5356'), 'connect')).toMatchObject([{ remotePort: 5356 }]);
  });
});
