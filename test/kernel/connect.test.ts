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

  it('sends the first of many connections to one place only', async () => {
    const events = ofKind(await eventsOf('/bin/actor loop connect 200 7777'), 'connect');
    expect(events).toMatchObject([{ remotePort: 7777 }]);
  });
});

describe('tp_btf/inet_sock_set_state', () => {
  it('reports listening, established and failed with the process that opened the socket', async () => {
    const events = await eventsOf(
      '/bin/actor listen 4545 & sleep 0.3; /bin/actor connect 127.0.0.1 4545; /bin/actor connect 127.0.0.1 4546; wait',
    );
    const execs = ofKind(events, 'exec');
    const pidOf = (port: string, action: string): number | undefined =>
      execs.find((exec) => exec.argv[1] === action && exec.argv.at(-1) === port)?.pid;
    const states = ofKind(events, 'tcp');
    expect(states).toHaveLength(3);
    expect(states).toContainEqual(
      expect.objectContaining({
        state: 'listening',
        localPort: 4545,
        remoteAddress: '',
        remotePort: 0,
        pid: pidOf('4545', 'listen'),
      }),
    );
    expect(states).toContainEqual(
      expect.objectContaining({
        state: 'established',
        family: 'ipv4',
        remoteAddress: '127.0.0.1',
        remotePort: 4545,
        localAddress: '127.0.0.1',
        pid: pidOf('4545', 'connect'),
      }),
    );
    expect(states).toContainEqual(
      expect.objectContaining({ state: 'failed', remotePort: 4546, pid: pidOf('4546', 'connect') }),
    );
  });
});
