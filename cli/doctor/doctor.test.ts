import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HookWay } from '../../agent/sensor/hooks.ts';
import { CriServer } from '../../test/support/cri-server.ts';
import { createScreen } from '../terminal/style.ts';
import { checkBpfObject, checkBtf } from './bpf.ts';
import { checkCgroups, mountPoints } from './cgroups.ts';
import { verdictOf } from './check.ts';
import { checkRights } from './host.ts';
import { doctorReport } from './report.ts';
import { checkRuntimes } from './runtimes.ts';
import { hookCheck } from './sensor.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallyman-doctor-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const status = (bits: readonly number[]): string =>
  `Name:\tnode\nCapEff:\t${bits
    .reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n)
    .toString(16)
    .padStart(16, '0')}\n`;

describe('checkRights', () => {
  const needed = [39, 38, 21, 12, 19, 2];

  it('is content with exactly the capabilities of the DaemonSet', () => {
    expect(checkRights(status(needed))).toMatchObject({ state: 'good' });
  });

  it('takes CAP_SYS_ADMIN for CAP_BPF and CAP_PERFMON', () => {
    expect(checkRights(status([21, 12, 19, 2]))).toMatchObject({ state: 'good' });
  });

  it('tells what is lost without each of the others', () => {
    const check = checkRights(status([39, 38, 19, 2]));
    expect(check).toMatchObject({ state: 'weaker', found: 'missing CAP_SYS_ADMIN, CAP_NET_ADMIN' });
    expect(check.follows).toContain('watching files of containers; seeing connection attempts');
  });

  it('blocks an ordinary user, and does not guess where nothing can be read', () => {
    expect(checkRights(status([]))).toMatchObject({ state: 'blocked' });
    expect(checkRights('Name:\tx\n')).toMatchObject({ state: 'unknown' });
  });
});

describe('checkCgroups', () => {
  const line = (mount: string, type: string): string =>
    `31 23 0:26 / ${mount} rw,nosuid shared:9 - ${type} ${type} rw\n`;

  it('reads mount points with and without optional fields', () => {
    const mountinfo = `${line('/sys/fs/cgroup', 'cgroup2')}1 2 0:1 / / rw - ext4 /dev/vda rw\nbroken line\n`;
    expect(mountPoints(mountinfo, 'cgroup2')).toEqual(['/sys/fs/cgroup']);
  });

  it('tells pure, mixed and missing hierarchies apart', () => {
    expect(checkCgroups(() => line('/sys/fs/cgroup', 'cgroup2'))).toMatchObject({
      state: 'good',
      found: 'version 2 at /sys/fs/cgroup',
    });
    const mixed = line('/sys/fs/cgroup/cpu', 'cgroup') + line('/sys/fs/cgroup/unified', 'cgroup2');
    expect(checkCgroups(() => mixed)).toMatchObject({ state: 'good', found: expect.stringContaining('side by side') });
    expect(checkCgroups(() => line('/sys/fs/cgroup/cpu', 'cgroup'))).toMatchObject({ state: 'blocked' });
  });

  it('does not know where it cannot look', () => {
    const check = checkCgroups(() => {
      throw new Error('EACCES');
    });
    expect(check).toMatchObject({ state: 'unknown', found: 'EACCES' });
  });
});

describe('files', () => {
  it('says what is missing and what to do', () => {
    expect(checkBtf(join(folder, 'vmlinux'))).toMatchObject({
      state: 'blocked',
      todo: expect.stringContaining('CONFIG_DEBUG_INFO_BTF'),
    });
    expect(checkBpfObject(join(folder, 'x.o'))).toMatchObject({
      state: 'blocked',
      todo: expect.stringContaining('make bpf'),
    });
    writeFileSync(join(folder, 'x.o'), Buffer.alloc(2048));
    expect(checkBpfObject(join(folder, 'x.o'))).toMatchObject({
      state: 'good',
      found: expect.stringContaining('2 KiB'),
    });
  });
});

describe('checkRuntimes', () => {
  it('asks Docker for its version', async () => {
    const socketPath = join(folder, 'docker.sock');
    const server = createServer((_request, response) => response.end('{"Version":"29.1"}')).listen(socketPath);
    await once(server, 'listening');
    try {
      const [docker] = await checkRuntimes({ dockerSocket: socketPath, criSocket: [] });
      expect(docker).toMatchObject({ name: 'Docker', state: 'good', found: 'answers, version 29.1' });
    } finally {
      server.close();
    }
  });

  it('asks CRI runtimes for their name and version, and says when one is away', async () => {
    const server = new CriServer(join(folder, 'crio.sock'));
    await server.listen();
    const sockets = {
      dockerSocket: join(folder, 'none.sock'),
      criSocket: [server.socketPath, join(folder, 'away.sock')],
    };
    const [, crio, away] = await checkRuntimes(sockets);
    server.close();
    expect(crio).toMatchObject({ name: 'CRI-O', state: 'good', found: 'answers CRI v1, cri-o 1.31.2' });
    expect(away).toMatchObject({ state: 'weaker', found: expect.stringContaining('away.sock did not answer') });
  });

  it('does not take any answer for Docker', async () => {
    const socketPath = join(folder, 'docker.sock');
    const server = createServer((_request, response) => response.end('<html>')).listen(socketPath);
    await once(server, 'listening');
    try {
      expect(
        (await checkRuntimes({ dockerSocket: socketPath, criSocket: [] })).some(
          ({ name, state }) => name === 'Docker' && state === 'good',
        ),
      ).toBe(false);
    } finally {
      server.close();
    }
  });
});

const screen = createScreen({ columns: 80, colours: false, terminal: true, utc: true });

describe('hookCheck', () => {
  const tracepoint = { attachPoint: 'tp_btf/x', state: 'missing', reason: 'this kernel does not have it' } as const;
  const fentry = { attachPoint: 'fentry/x', state: 'used', reason: '', trade: 'works it out itself' } as const;
  const kprobe = {
    attachPoint: 'kprobe/x',
    state: 'refused',
    reason: 'does not load: Operation not permitted',
  } as const;
  const report = (check: ReturnType<typeof hookCheck>): string[] =>
    doctorReport(verdictOf([check]), screen, { problemsOnly: false }).slice(0, -2);

  it('tells the way in use, why not a better one, and what follows; nothing of ways that are not needed', () => {
    const check = hookCheck({
      name: 'capability',
      attachPoint: 'fentry/x',
      ways: [tracepoint, fentry, kprobe],
      consequence: 'no capabilities',
    });
    expect(report(check)).toEqual([
      '✔ hook capability   fentry/x',
      '                    not tp_btf/x: this kernel does not have it',
      '                    so: works it out itself',
    ]);
  });

  it('tells what is lost without the hook, and what to do about each cause', () => {
    const lost = (way: HookWay): ReturnType<typeof hookCheck> =>
      hookCheck({ name: 'net', attachPoint: undefined, ways: [way], consequence: 'no connections' });
    expect(report(lost(kprobe))).toEqual([
      '▲ hook net          not attached',
      '                    not kprobe/x: does not load: Operation not permitted',
      '                    looked at: loading and attaching the program',
      '                    so: no connections',
      '                    do: give the agent the missing rights: root, or CAP_BPF,',
      '                    CAP_PERFMON and, for cgroup hooks, CAP_NET_ADMIN',
    ]);
    expect(lost({ ...kprobe, reason: 'does not load: Invalid argument' }).todo).toContain('maintainers');
    expect(lost({ ...tracepoint, reason: 'no cgroup v2 hierarchy is mounted' }).todo).toContain('mount -t cgroup2');
    expect(lost(tracepoint).todo).toContain('everything else works');
  });
});

describe('doctorReport', () => {
  const good = { name: 'kernel', state: 'good', looked: 'uname', found: 'Linux 6.18' } as const;
  const weaker = {
    name: 'Docker',
    state: 'weaker',
    looked: '/x',
    found: 'silent',
    follows: 'less',
    todo: 'start it',
  } as const;

  it('tells what was looked at, found, follows and to do', () => {
    expect(doctorReport(verdictOf([good, weaker]), screen, { problemsOnly: false })).toEqual([
      '✔ kernel            Linux 6.18',
      '▲ Docker            silent',
      '                    looked at: /x',
      '                    so: less',
      '                    do: start it',
      '',
      '✔ Containers can be watched here. Less than it could be: Docker.',
    ]);
  });

  it('ends with what blocks', () => {
    const blocked = { ...weaker, name: 'BTF', state: 'blocked' } as const;
    const lines = doctorReport(verdictOf([good, blocked]), screen, { problemsOnly: true });
    expect(lines[0]).toBe('✘ BTF               silent');
    expect(lines).toContain('✘ Containers cannot be watched here: BTF.');
    expect(lines.at(-1)).toContain('make check');
  });
});
