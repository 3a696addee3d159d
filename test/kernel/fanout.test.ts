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

describe('a program with many destinations', () => {
  it('is summed up when it scans ports', async () => {
    const events = await eventsOf('/bin/network scan 127.0.0.1 1 5000');
    const { pid } = only(ofKind(events, 'exec').filter((exec) => exec.argv[0] === '/bin/network'));
    expect(ofKind(events, 'connect')).toHaveLength(511);
    expect(ofKind(events, 'tcp').length).toBeLessThanOrEqual(511);
    const told = ofKind(events, 'fanout');
    expect(told.map((event) => event.destinations)).toEqual([512, 1024, 2048, 4096]);
    expect(told[0]).toMatchObject({
      ...{ pid, comm: 'network', transport: 'tcp', family: 'ipv4', remoteAddress: '127.0.0.1', remotePort: 512 },
      shape: 'ports',
    });
  });

  it('is summed up when it sends to many addresses', async () => {
    const events = await eventsOf('/bin/network sweep 127.1 1100 9');
    expect(ofKind(events, 'connect')).toHaveLength(511);
    expect(ofKind(events, 'fanout')).toMatchObject([
      { transport: 'udp', destinations: 512, shape: 'addresses', remotePort: 9 },
      { destinations: 1024, shape: 'addresses' },
    ]);
  });

  it('leaves other programs and containers as they are', async () => {
    const events = await eventsOf('/bin/network sweep 127.1 600 9; /bin/actor connect 127.0.0.1 81');
    expect(only(ofKind(events, 'connect').filter((event) => event.comm === 'actor')).remotePort).toBe(81);
    expect(ofKind(await eventsOf('/bin/network send 127.0.0.1 9'), 'connect')).toHaveLength(1);
  });
});
