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

describe('cgroup/connect', () => {
  it('reports an attempt over IPv4 although nothing can be reached', async () => {
    const event = only(ofKind(await eventsOf('/bin/actor connect 169.254.169.254 80'), 'connect'));
    expect(event).toMatchObject({
      comm: 'actor',
      transport: 'tcp',
      family: 'ipv4',
      remoteAddress: '169.254.169.254',
      remotePort: 80,
      remoteNames: [],
      repeats: 0,
    });
  });

  it('reports IPv6, and a mapped address as the IPv4 address it is', async () => {
    const events = ofKind(
      await eventsOf('/bin/actor connect fd00:ec2::254 8080; /bin/actor connect ::ffff:192.0.2.7 53'),
      'connect',
    );
    expect(events).toMatchObject([
      { family: 'ipv6', remoteAddress: 'fd00:ec2::254', remotePort: 8080, transport: 'tcp' },
      { family: 'ipv4', remoteAddress: '192.0.2.7', remotePort: 53, transport: 'tcp' },
    ]);
  });

  it('tells UDP from TCP', async () => {
    expect(only(ofKind(await eventsOf('/bin/actor connect-udp 127.0.0.1 53'), 'connect'))).toMatchObject({
      transport: 'udp',
      remotePort: 53,
    });
  });

  it('gives an address that is mapped into IPv6 the same record as the IPv4 address', async () => {
    const events = await eventsOf('/bin/actor connect 192.0.2.8 53; /bin/actor connect ::ffff:192.0.2.8 53');
    expect(only(ofKind(events, 'connect'))).toMatchObject({ family: 'ipv4', remoteAddress: '192.0.2.8' });
  });

  it('reports the attempt of a socket that is for IPv6 only, and no outcome: it never left', async () => {
    const events = await eventsOf('/bin/network connect-v6only ::ffff:127.0.0.1 99');
    expect(only(ofKind(events, 'connect'))).toMatchObject({
      family: 'ipv4',
      remoteAddress: '127.0.0.1',
      remotePort: 99,
    });
    expect(ofKind(events, 'tcp')).toEqual([]);
  });

  it('reports an ICMP socket', async () => {
    const event = only(ofKind(await eventsOf('/bin/network ping 127.0.0.1'), 'connect'));
    expect(event).toMatchObject({ transport: 'icmp', remoteAddress: '127.0.0.1', remotePort: 0 });
  });

  it('sends the first of many connections to one place only', async () => {
    const events = ofKind(await eventsOf('/bin/actor loop connect 200 7777'), 'connect');
    expect(events).toMatchObject([{ remotePort: 7777 }]);
  });

  it('says nothing of sockets of the host', async () => {
    const before = session.events.length;
    await fetch('http://127.0.0.1:9/').catch(() => undefined);
    session.sensor.drain();
    expect(ofKind(session.events.slice(before), 'connect').filter((event) => event.pid === process.pid)).toEqual([]);
  });
});
