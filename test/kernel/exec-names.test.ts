import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecEvent } from '../../agent/decode/kernel-event.ts';
import { buildTestImage, type RunOptions } from '../support/docker.ts';
import { ofKind, only, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;

beforeAll(async () => {
  await buildTestImage();
  session = new SensorSession().start();
});

afterAll(() => session.close());

async function execsOf(script: string, options: Partial<RunOptions> = {}): Promise<ExecEvent[]> {
  return ofKind(await session.eventsOf({ command: ['/bin/sh', '-c', script], ...options }), 'exec').slice(1);
}

describe('scripts', () => {
  it('are told apart from their interpreter', async () => {
    const exec = only(await execsOf(`printf '#!/bin/sh -e\\n:\\n' >/run.sh; chmod +x /run.sh; /run.sh one; :`));
    expect(exec).toMatchObject({
      filename: '/run.sh',
      interpreter: '/bin/sh',
      executable: { path: '/bin/busybox', layer: 'image' },
      argv: ['/bin/sh', '-e', '/run.sh', 'one'],
    });
  });

  it('may have a script as their interpreter: the chain stands in the arguments', async () => {
    const exec = only(
      await execsOf(
        [
          `printf '#!/bin/sh\\n:\\n' >/outer; printf '#!/outer\\n' >/inner`,
          'chmod +x /outer /inner; /inner one; :',
        ].join('; '),
      ),
    );
    expect(exec).toMatchObject({
      filename: '/inner',
      interpreter: '/bin/sh',
      executable: { path: '/bin/busybox' },
      argv: ['/bin/sh', '/outer', '/inner', 'one'],
    });
  });

  it('that a shell reads are not executed by the kernel', async () => {
    const exec = only(await execsOf(`echo : >/run.sh; /bin/sh /run.sh; :`));
    expect(exec).toMatchObject({ filename: '/bin/sh', interpreter: '' });
  });
});

describe('files that are executed by descriptor', () => {
  it('are named by the kernel where /proc/self/fd was asked for', async () => {
    const [, exec] = await execsOf('/bin/executor descriptor /bin/actor true; :');
    expect(exec?.filename).toMatch(/^\/proc\/self\/fd\/\d+$/);
    expect(exec?.executable).toMatchObject({ path: '/bin/actor', layer: 'image', unlinked: false });
  });

  it('are recognised without a name', async () => {
    const [, exec] = await execsOf('/bin/executor unlinked /bin/actor true; :');
    expect(exec?.filename).toMatch(/^\/dev\/fd\/\d+$/);
    expect(exec).toMatchObject({
      executable: { path: '/gone', layer: 'writable', unlinked: true },
      argv: ['/bin/actor', 'true'],
    });
  });
});

describe('the file', () => {
  it('carries when it was written and when it was changed', async () => {
    const before = BigInt(Date.now()) * 1_000_000n;
    const execs = await execsOf('cp /bin/actor /x; touch -t 202001010000 /x; /x true; :');
    const exec = only(execs.filter((each) => each.filename === '/x'));
    expect(exec.executable.path).toBe('/x');
    // Anybody can set the one and nobody the other.
    expect(exec.executable.mtimeNs).toBe(BigInt(Date.UTC(2020, 0, 1)) * 1_000_000n);
    expect(exec.executable.ctimeNs).toBeGreaterThan(before - 2_000_000_000n);
    expect(exec.executable.ctimeNs).toBeLessThan(BigInt(Date.now() + 2000) * 1_000_000n);
  });
});

describe('session and terminal', () => {
  it('are named', async () => {
    const execs = ofKind(await session.eventsOf({ command: ['/bin/sh', '-c', '/bin/true; :'], tty: true }), 'exec');
    for (const exec of execs) expect(exec).toMatchObject({ hasTty: true, tty: 'pts/0', sessionId: execs[0]?.pid });
  });

  it('are left by setsid', async () => {
    const execs = ofKind(
      await session.eventsOf({ command: ['/bin/executor', 'session', '/bin/true'], tty: true }),
      'exec',
    );
    expect(execs[1]).toMatchObject({ hasTty: false, tty: '', sessionId: execs[1]?.pid });
    expect(execs[1]?.pid).not.toBe(execs[0]?.pid);
  });

  it('have no user who logged in', async () => {
    expect(only(await execsOf('/bin/true; :')).loginUid).toBeUndefined();
  });
});

describe('unix sockets as standard descriptors', () => {
  it.each([
    ['a name in the file system', '/tmp/x.sock'],
    ['an abstract name', '@tallyman-test'],
    // The kernel keeps it in exactly 16 bytes, without a NUL, beside other things.
    ['an abstract name that fills its memory', '@smoke'],
  ])('tell the other end by %s', async (_what, name) => {
    const [executor, exec] = await execsOf(`/bin/executor unix ${name} /bin/true; :`);
    const peer = { family: 'unix', peerAddress: name, peerPort: 0, peerPid: executor?.pid };
    expect(exec?.stdioSockets).toEqual([0, 1, 2].map((fd) => ({ fd, ...peer })));
  });

  it('are named by no byte more than their names have', async () => {
    const [long, short] = [`@${'x'.repeat(20)}`, '@s'];
    const twice = `/bin/executor unix ${long} /bin/true; /bin/executor unix ${short} /bin/true`;
    const execs = await execsOf(`${Array(10).fill(twice).join('; ')}; :`);
    const names = execs
      .filter((exec) => exec.filename === '/bin/true')
      .map((exec) => exec.stdioSockets[0]?.peerAddress);
    expect(names).toEqual(Array(10).fill([long, short]).flat());
  });

  it('have a process and no name at the other end of a pair', async () => {
    const [executor, exec] = await execsOf('/bin/executor pair /bin/true; :');
    const peer = { family: 'unix', peerAddress: '', peerPort: 0, peerPid: executor?.pid };
    expect(exec?.stdioSockets).toEqual([0, 1, 2].map((fd) => ({ fd, ...peer })));
  });
});
