import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KernelEvent } from '../../agent/decode/kernel-event.ts';
import { buildTestImage } from '../support/docker.ts';
import { ofKind, only, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;
let directory: string;
let server: Server;
let hostPath: string;
/** Where this kernel lets the hook be attached decides which path is known. */
let isResolved: boolean;

beforeAll(async () => {
  await buildTestImage();
  directory = mkdtempSync(join(tmpdir(), 'tallyman-unix-'));
  hostPath = join(directory, 'docker.sock');
  server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(hostPath, resolve));
  session = new SensorSession().start();
  const attachPoint = session.sensor.hooks.find((hook) => hook.name === 'unix-connect')?.attachPoint;
  expect(attachPoint).toBeDefined();
  isResolved = attachPoint !== 'cgroup/connect_unix';
});

afterAll(() => {
  session.close();
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

function eventsOf(script: string): Promise<KernelEvent[]> {
  const binds = [`${hostPath}:/var/run/docker.sock`];
  return session.eventsOf({ command: ['/bin/sh', '-c', `${script}; :`], binds });
}

describe('connections to unix sockets', () => {
  it('are reported with the process and where the socket is', async () => {
    const events = await eventsOf('/bin/network unix /var/run/docker.sock');
    const { pid } = only(ofKind(events, 'exec').filter((exec) => exec.argv[0] === '/bin/network'));
    expect(only(ofKind(events, 'unix-connect'))).toMatchObject({
      ...{ pid, comm: 'network', repeats: 0 },
      path: isResolved ? hostPath : '/var/run/docker.sock',
      pathSource: isResolved ? 'kernel' : 'argument',
    });
  });

  it('are reported for abstract sockets', async () => {
    const event = only(ofKind(await eventsOf('/bin/network unix-serve @some/where'), 'unix-connect'));
    expect(event).toMatchObject({ comm: 'network', path: '@some/where' });
  });

  it('are reported once for each socket', async () => {
    const connect = '/bin/network unix /var/run/docker.sock';
    const events = await eventsOf(`${connect}; ${connect}; /bin/network unix-serve /tmp/own.sock`);
    expect(ofKind(events, 'unix-connect').map((event) => event.path.split('/').at(-1))).toEqual([
      'docker.sock',
      'own.sock',
    ]);
  });

  it('are not those of the host', async () => {
    const before = session.events.length;
    await eventsOf('/bin/true');
    session.sensor.drain();
    expect(ofKind(session.events.slice(before), 'unix-connect')).toEqual([]);
  });
});
