import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecEvent } from '../../agent/decode/kernel-event.ts';
import { Clock, readClockNs } from '../../agent/sensor/libc.ts';
import { buildTestImage, type RunOptions } from '../support/docker.ts';
import { ofKind, only, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;

beforeAll(async () => {
  await buildTestImage();
  session = new SensorSession().start();
});

afterAll(() => session.close());

async function execsOf(command: string[], options: Omit<RunOptions, 'command'> = {}): Promise<ExecEvent[]> {
  return ofKind(await session.eventsOf({ command, ...options }), 'exec');
}

/** Capabilities that Docker grants by default. */
const dockerDefaultCapabilities = 0xa80425fbn;

describe('exec of the container’s first program', () => {
  it('carries every field', async () => {
    const before = readClockNs(Clock.boottime);
    const exec = only(await execsOf(['/bin/ls', '-l', '', 'ä b']));
    const after = readClockNs(Clock.boottime);
    expect(exec).toMatchObject({
      kind: 'exec',
      comm: 'ls',
      containerPid: 1,
      executable: {
        path: '/bin/busybox',
        pathTruncated: false,
        layer: 'image',
        unlinked: false,
        setuid: false,
        setgid: false,
      },
      filename: '/bin/ls',
      argv: ['/bin/ls', '-l', '', 'ä b'],
      argvTruncated: false,
      cwd: '/',
      hasTty: false,
      stdioSockets: [],
      credentials: { uid: 0, gid: 0, euid: 0, egid: 0, suid: 0, sgid: 0 },
      capabilities: {
        effective: dockerDefaultCapabilities,
        permitted: dockerDefaultCapabilities,
        inheritable: 0n,
        bounding: dockerDefaultCapabilities,
        ambient: 0n,
      },
      secureExec: false,
      fromOutside: true,
    });
    expect(exec.tid).toBe(exec.pid);
    expect(exec.ktimeNs).toBeGreaterThan(before);
    expect(exec.ktimeNs).toBeLessThan(after);
    expect(exec.startKtimeNs).toBeLessThan(exec.ktimeNs);
    expect(exec.startKtimeNs).toBeGreaterThan(before);
    expect(exec.parentPid).toBeGreaterThan(1);
    expect(exec.parentStartKtimeNs).toBeLessThan(exec.startKtimeNs);
    expect(exec.executable.inode).toBeGreaterThan(0n);
    expect(exec.executable.device).toBeGreaterThan(0);
    const own = statSync('/proc/self/ns/mnt').ino;
    expect(exec.namespaces.mount).not.toBe(own);
    expect(exec.namespaces.user).toBe(statSync('/proc/self/ns/user').ino);
    expect(exec.namespaces.network).not.toBe(statSync('/proc/self/ns/net').ino);
    expect(exec.namespaces.pid).not.toBe(statSync('/proc/self/ns/pid').ino);
  });

  it('sees user, terminal and capabilities', async () => {
    const exec = only(await execsOf(['/bin/true'], { user: '33:44', tty: true }));
    expect(exec.credentials).toEqual({ uid: 33, gid: 44, euid: 33, egid: 44, suid: 33, sgid: 44 });
    expect(exec.capabilities.effective).toBe(0n);
    expect(exec.capabilities.bounding).toBe(dockerDefaultCapabilities);
    expect(exec.hasTty).toBe(true);
    const more = only(await execsOf(['/bin/true'], { capAdd: ['SYS_ADMIN'] }));
    expect(more.capabilities.effective).toBe(dockerDefaultCapabilities | (1n << 21n));
  });

  it('sees a setuid program gain privileges', async () => {
    const execs = await execsOf([
      '/bin/sh',
      '-c',
      'cp /bin/actor /opt-x; chmod 4755 /opt-x; /bin/su -s /bin/sh nobody -c "/opt-x true"; :',
    ]);
    const gained = only(execs.filter((exec) => exec.filename === '/opt-x'));
    expect(gained).toMatchObject({
      secureExec: true,
      executable: { setuid: true, setgid: false },
      credentials: { uid: 65534, euid: 0, suid: 0 },
    });
  });
});

describe('where the executable comes from', () => {
  it('tells a file written at run time from one of the image', async () => {
    const execs = await execsOf([
      '/bin/sh',
      '-c',
      'mkdir -p /opt/a; cp /bin/actor /opt/a/x; cd /opt/a; ./x true; /bin/actor true; :',
    ]);
    const written = only(execs.filter((exec) => exec.argv[0] === './x'));
    expect(written).toMatchObject({
      filename: './x',
      cwd: '/opt/a',
      executable: { path: '/opt/a/x', layer: 'writable', unlinked: false },
      fromOutside: false,
    });
    expect(only(execs.filter((exec) => exec.argv[0] === '/bin/actor')).executable.layer).toBe('image');
  });

  it('sees tmpfs and bind mounts', async () => {
    const execs = await execsOf(['/bin/sh', '-c', 'cp /bin/actor /scratch/y; /scratch/y true; /host/busybox true; :'], {
      binds: ['/bin:/host:ro'],
      tmpfs: { '/scratch': 'exec' },
    });
    expect(only(execs.filter((exec) => exec.filename === '/scratch/y')).executable).toMatchObject({
      path: '/scratch/y',
      layer: 'tmpfs',
    });
    expect(only(execs.filter((exec) => exec.filename === '/host/busybox')).executable).toMatchObject({
      path: '/host/busybox',
      layer: 'mount',
    });
  });

  it('names a memfd', async () => {
    const execs = await execsOf(['/bin/actor', 'memfd-exec', '/bin/actor', 'true']);
    expect(execs).toHaveLength(2);
    expect(execs[1]).toMatchObject({
      executable: { path: 'memfd:payload', layer: 'memfd', unlinked: true },
      argv: ['/bin/actor', 'true'],
      pid: execs[0]?.pid,
      startKtimeNs: execs[0]?.startKtimeNs,
      fromOutside: false,
    });
  });
});

describe('who executes', () => {
  it('keeps the identity of a process that executes from a thread', async () => {
    const [first, second] = await execsOf(['/bin/actor', 'thread-exec', '/bin/true']);
    expect(second).toMatchObject({
      filename: '/bin/true',
      pid: first?.pid,
      tid: first?.pid,
      startKtimeNs: first?.startKtimeNs,
    });
  });

  it('links children to their parents by pid and start', async () => {
    const execs = await execsOf(['/bin/sh', '-c', '/bin/actor true; :']);
    const shell = only(execs.filter((exec) => exec.filename === '/bin/sh'));
    const child = only(execs.filter((exec) => exec.filename === '/bin/actor'));
    expect(child).toMatchObject({
      parentPid: shell.pid,
      parentStartKtimeNs: shell.startKtimeNs,
      cgroupId: shell.cgroupId,
    });
  });

  it('sees a socket as stdin, stdout and stderr with its peer', async () => {
    const execs = await execsOf([
      '/bin/sh',
      '-c',
      '/bin/actor listen 4444 & sleep 0.2; /bin/actor reverse 127.0.0.1 4444 /bin/true; wait',
    ]);
    expect(only(execs.filter((exec) => exec.filename === '/bin/true')).stdioSockets).toEqual(
      [0, 1, 2].map((fd) => ({ fd, family: 'ipv4', peerAddress: '127.0.0.1', peerPort: 4444, peerPid: 0 })),
    );
  });
});

describe('hostile arguments', () => {
  it('cuts 100 KiB of arguments and says so', async () => {
    const exec = only(await execsOf(['/bin/true', 'x'.repeat(100_000)]));
    expect(exec.argvTruncated).toBe(true);
    expect(exec.argv[0]).toBe('/bin/true');
    expect(exec.argv[1]?.length).toBeGreaterThan(2000);
    expect(exec.cwd).toBe('/');
  });

  it('survives invalid UTF-8, newlines and escape sequences', async () => {
    const execs = await execsOf([
      '/bin/sh',
      '-c',
      `/bin/actor true "$(printf '\\377\\376')" "$(printf 'a\\nb\\033[31m')"; :`,
    ]);
    const exec = only(execs.filter((event) => event.filename === '/bin/actor'));
    expect(exec.argv).toEqual(['/bin/actor', 'true', '\ufffd\ufffd', 'a\nb\u001b[31m']);
  });

  it('names a directory of many levels', async () => {
    const path = Array.from({ length: 30 }, (_unused, index) => `d${index}`).join('/');
    const execs = await execsOf(['/bin/sh', '-c', `mkdir -p /${path}; cp /bin/actor /${path}/x; /${path}/x true; :`]);
    expect(execs.at(-1)?.executable).toMatchObject({ path: `/${path}/x`, pathTruncated: false });
    const deep = Array.from({ length: 60 }, (_unused, index) => `e${index}`).join('/');
    const cut = (
      await execsOf(['/bin/sh', '-c', `mkdir -p /${deep}; cp /bin/actor /${deep}/x; /${deep}/x true; :`])
    ).at(-1)?.executable;
    expect(cut?.pathTruncated).toBe(true);
    expect(cut?.path).toMatch(/^…\/e\d+\/.*\/e59\/x$/);
  });
});

it('says nothing about processes of the host', async () => {
  const before = session.events.length;
  readFileSync('/proc/self/stat');
  const { execFileSync } = await import('node:child_process');
  execFileSync('/bin/true');
  session.sensor.drain();
  expect(session.events.slice(before).filter((event) => event.kind === 'exec')).toEqual([]);
});
