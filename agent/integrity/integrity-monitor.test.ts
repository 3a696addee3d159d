import { beforeEach, describe, expect, it } from 'vitest';
import { execOf, exitOf, forkOf, type TestProcess } from '../../test/support/kernel-events.ts';
import type { SampledTask } from '../decode/sampled-task.ts';
import type { IntegrityEvent } from './integrity-event.ts';
import { IntegrityMonitor } from './integrity-monitor.ts';

const host = { mount: 1, pid: 1, network: 1, user: 5, cgroup: 6, uts: 7, ipc: 8 };
const process: TestProcess = { pid: 100, startKtimeNs: 1_000n, cgroupId: 82n };
const child: TestProcess = { pid: 101, startKtimeNs: 3_000n, cgroupId: 82n };
const user = { uid: 1000, gid: 1000, euid: 1000, egid: 1000, suid: 1000, sgid: 1000 };
const rootIds = { uid: 0, gid: 0, euid: 0, egid: 0, suid: 0, sgid: 0 };
const nothing = { effective: 0n, permitted: 0n, inheritable: 0n, bounding: 1n, ambient: 0n };
const setIds = { ...nothing, effective: 0xc0n, permitted: 0xc0n, bounding: 0xc1n };
const asRoot = { credentials: rootIds, capabilities: setIds };
const asUser = { credentials: user, capabilities: nothing };

let told: IntegrityEvent[];
let monitor: IntegrityMonitor;

beforeEach(() => {
  told = [];
  monitor = new IntegrityMonitor({
    surroundings: { hostNamespaces: host, executablePath: (pid) => (pid === 7 ? '/usr/bin/gdb' : '') },
    onChange: (event) => told.push(event),
    maxProcesses: 4,
  });
});

/** A sample of a process that executed at 2000 ns and has not changed since. */
function sample(fields: Partial<SampledTask> = {}): SampledTask {
  return {
    ...{ ktimeNs: 10_000n, startKtimeNs: 1_000n, pid: 100, tid: 100, comm: 'app', cgroupId: 82n, execId: 2_000n },
    ...{ parentPid: 1, parentStartKtimeNs: 1n, parentCgroupId: 1n, containerPid: 1, tracer: undefined },
    executable: { device: 39, inode: 100n, unlinked: false },
    ...{ credentials: user, capabilities: nothing, userLevel: 0 },
    namespaces: { mount: 2, pid: 3, network: 4, user: 5, cgroup: 6, uts: 7, ipc: 8 },
    ...{ secureBits: 0, noNewPrivileges: false, seccompMode: 2, listed: true, leaderExited: false },
    stdioSockets: { stdin: false, stdout: false, stderr: false },
    ...fields,
  };
}

const grownSample = (fields: Partial<SampledTask> = {}): SampledTask => sample({ credentials: rootIds, ...fields });

function exec(at: bigint, fields: Parameters<typeof execOf>[4] = {}, who = process): void {
  monitor.onEvent(execOf(who, at, '/bin/app', undefined, { ...asUser, ...fields }));
}

describe('a sample', () => {
  it('of a process that is as its exec said tells nothing, and is recognised the next time', () => {
    exec(2_000n);
    expect(monitor.isUnchanged(100, 1_000n, 100, 9n, 1)).toBe(false);
    expect(monitor.compare(sample(), 9n)).toBe('compared');
    expect(monitor.isUnchanged(100, 1_000n, 100, 9n, 2)).toBe(true);
    expect(monitor.isUnchanged(100, 1_000n, 100, 10n, 2)).toBe(false);
    expect(told).toEqual([]);
  });

  it('tells a change once, and again only after the next exec', () => {
    exec(2_000n);
    monitor.compare(grownSample(), 1n);
    monitor.compare(grownSample({ ktimeNs: 11_000n }), 2n);
    expect(told).toMatchObject([{ change: 'privileges-grown', growth: ['uid', 'gid'], seenAt: 'sample', pid: 100 }]);
  });

  it('says nothing of a process of which an event told something newer', () => {
    exec(2_000n);
    exec(20_000n);
    expect(monitor.compare(grownSample({ ktimeNs: 15_000n }), 1n)).toBe('same');
    expect(told).toEqual([]);
  });

  it('of a process with a reused pid is of another process', () => {
    exec(2_000n);
    expect(monitor.compare(grownSample({ startKtimeNs: 5_000n }), 1n)).toBe('unknown');
    monitor.onEvent(exitOf(process, 4_000n));
    expect(monitor.compare(sample(), 1n)).toBe('unknown');
  });

  it('knows what the parent might do of a child that has executed nothing', () => {
    exec(2_000n);
    monitor.onEvent(forkOf(process, 3_000n, child));
    monitor.compare(grownSample({ pid: 101, tid: 101, startKtimeNs: 3_000n }), 1n);
    expect(told).toMatchObject([{ change: 'privileges-grown', pid: 101 }]);
  });

  it('does not measure a child by what its parent has given up since', () => {
    exec(2_000n, asRoot);
    monitor.compare(sample({ ktimeNs: 9_000n }), 1n);
    // The record of the fork comes late.
    monitor.onEvent(forkOf(process, 3_000n, child));
    monitor.compare(sample({ pid: 101, tid: 101, startKtimeNs: 3_000n, ...asRoot }), 1n);
    expect(told).toEqual([]);
  });

  it('says of namespaces whether an event has told of them already', () => {
    const { namespaces } = sample();
    const before = { ...namespaces, time: 9 };
    exec(2_000n);
    monitor.compare(sample(), 1n);
    monitor.onEvent({
      ...{ ...process, kind: 'namespace', ktimeNs: 10_500n, tid: process.pid, comm: 'app', repeats: 0 },
      ...{ changed: ['mount'], toHost: ['mount'], before, after: { ...before, mount: 1 } },
      ...{ syscallName: '', arguments: [] },
    });
    monitor.compare(sample({ ktimeNs: 11_000n, namespaces: { ...namespaces, mount: 1 } }), 2n);
    monitor.compare(sample({ ktimeNs: 12_000n, namespaces: { ...namespaces, mount: 1, pid: 1 } }), 3n);
    expect(told).toMatchObject([
      { namespaces: ['mount'], told: true },
      { namespaces: ['pid'], told: false },
    ]);
  });

  it('tells the changes that are no privileges, each with what it is about', () => {
    exec(2_000n);
    monitor.compare(sample(), 1n);
    const stdioSockets = { stdin: true, stdout: true, stderr: false };
    monitor.compare(
      sample({
        ktimeNs: 11_000n,
        namespaces: { mount: 1, pid: 3, network: 4, user: 5, cgroup: 6, uts: 70, ipc: 8 },
        tracer: { pid: 7, startKtimeNs: 70n, cgroupId: 9n, seized: true },
        executable: { device: 39, inode: 100n, unlinked: true },
        stdioSockets,
      }),
      2n,
    );
    expect(told).toMatchObject([
      {
        ...{ change: 'namespace-changed', namespaces: ['mount', 'uts'], hostNamespaces: ['mount'] },
        ...{ before: { mount: 2, uts: 7 }, after: { mount: 1, uts: 70 } },
      },
      { change: 'traced', tracerPid: 7, tracerPlace: 'elsewhere', tracerExecutable: '/usr/bin/gdb', seized: true },
      { change: 'executable-deleted' },
      { change: 'stdio-socket', descriptors: ['stdin', 'stdout'] },
    ]);
    const replaced = { executable: { device: 39, inode: 101n, unlinked: false } };
    monitor.compare(sample({ ktimeNs: 12_000n, ...replaced }), 3n);
    monitor.compare(sample({ ktimeNs: 13_000n, ...replaced }), 3n);
    expect(told.at(-1)).toMatchObject({ change: 'executable-replaced', beforeInode: 100n, afterInode: 101n });
  });

  it('does not take the next program for a disguise when it comes in the middle of an execution', () => {
    const next = { executable: { device: 39, inode: 101n, unlinked: false } };
    exec(2_000n);
    monitor.compare(sample({ ktimeNs: 11_000n, ...next }), 1n);
    expect(monitor.isUnchanged(100, 1_000n, 100, 1n, 2)).toBe(false);
    exec(12_000n, { executable: { ...execOf(process, 12_000n, '/bin/app').executable, ...next.executable } });
    monitor.compare(sample({ ktimeNs: 13_000n, execId: 12_000n, ...next }), 2n);
    expect(told).toEqual([]);
  });

  it('stops telling of a process that changes without end, and counts', () => {
    exec(2_000n);
    for (let round = 0; round < 100; round++)
      monitor.compare(
        sample({ ktimeNs: 11_000n + BigInt(round), namespaces: { ...sample().namespaces, uts: 100 + round } }),
        1n,
      );
    expect(told).toHaveLength(32);
    expect(monitor.takeSuppressed()).toBe(99 - 32);
    expect(monitor.takeSuppressed()).toBe(0);
  });
});

describe('a thread', () => {
  const thread = (fields: Partial<SampledTask> = {}): SampledTask => sample({ tid: 105, ...fields });

  it('may still be what the last exec was, though the first thread has given that up', () => {
    exec(2_000n, asRoot);
    monitor.compare(sample(), 1n);
    monitor.compare(thread(asRoot), 2n);
    expect(told).toEqual([]);
  });

  it('may not become more than that', () => {
    exec(2_000n);
    monitor.compare(thread({ credentials: rootIds }), 2n);
    expect(told).toMatchObject([{ change: 'privileges-grown', tid: 105, pid: 100 }]);
  });

  it('is measured by its own last sample where no exec was seen', () => {
    monitor.adopt(sample(), 1);
    monitor.compare(thread({ ktimeNs: 11_000n, ...asRoot }), 2n);
    monitor.compare(thread({ ktimeNs: 12_000n }), 3n);
    expect(told).toEqual([]);
    monitor.compare(thread({ ktimeNs: 13_000n, credentials: rootIds }), 4n);
    expect(told).toMatchObject([{ change: 'privileges-grown', tid: 105 }]);
  });
});

describe('an exec', () => {
  const next = { execId: 2_001n };

  it('shows privileges that grew since the last one', () => {
    exec(2_000n);
    exec(3_000n, { ...next, credentials: rootIds });
    expect(told).toMatchObject([
      { change: 'privileges-grown', seenAt: 'exec', growth: ['uid', 'gid'], ktimeNs: 3_000n },
    ]);
  });

  it('is believed where its file is setuid', () => {
    exec(2_000n);
    exec(3_000n, {
      ...{ ...next, credentials: { ...user, euid: 0, suid: 0 }, secureExec: true },
      executable: { ...execOf(process, 1n, '/bin/su').executable, setuid: true },
    });
    expect(told).toEqual([]);
  });

  it('shows nothing when another one was missed in between', () => {
    exec(2_000n);
    exec(3_000n, { execId: 2_002n, credentials: rootIds });
    expect(told).toEqual([]);
  });

  it('of a thread is measured by what all threads come from', () => {
    exec(2_000n, asRoot);
    monitor.compare(sample(), 1n);
    exec(20_000n, { ...next, formerTid: 105, ...asRoot });
    expect(told).toEqual([]);
  });

  it('that no record told of is missed at the second sample, and what it may do is no growth', () => {
    exec(2_000n);
    monitor.compare(sample(), 1n);
    const after = grownSample({ execId: 2_001n, ktimeNs: 11_000n });
    expect(monitor.compare(after, 2n)).toBe('same');
    expect(monitor.compare({ ...after, ktimeNs: 12_000n }, 2n)).toBe('missed-exec');
    expect(monitor.compare({ ...after, ktimeNs: 13_000n }, 2n)).toBe('compared');
    expect(told).toEqual([]);
  });

  it('whose record is late is not missed', () => {
    exec(2_000n);
    monitor.compare(sample({ execId: 2_001n }), 2n);
    exec(3_000n, next);
    expect(monitor.compare(sample({ execId: 2_001n, ktimeNs: 12_000n }), 2n)).toBe('compared');
  });

  it('that was missed does not hide that namespaces were entered before it', () => {
    exec(2_000n);
    const namespaces = { ...sample().namespaces, mount: 1 };
    monitor.compare(sample({ execId: 2_001n, namespaces }), 2n);
    expect(told).toMatchObject([{ change: 'namespace-changed', hostNamespaces: ['mount'] }]);
  });
});

describe('what is remembered', () => {
  it('is bounded: what is known longest is forgotten first', () => {
    for (let pid = 1; pid <= 6; pid++) exec(2_000n, {}, { pid, startKtimeNs: 1n, cgroupId: 82n });
    expect(monitor.size).toBe(4);
    expect(monitor.find(2, 1n)).toBeUndefined();
    expect(monitor.find(6, 1n)).toBeDefined();
  });

  it('and absent from two samples in a row is gone; what was born since is not', () => {
    exec(2_000n);
    exec(9_000n, {}, child);
    expect(monitor.absentees(1, 5_000n, 2)).toEqual([]);
    expect(monitor.absentees(2, 6_000n, 2).map(({ pid }) => pid)).toEqual([100]);
    monitor.isUnchanged(100, 1_000n, 100, 0n, 3);
    expect(monitor.absentees(3, 6_000n, 2)).toEqual([]);
  });
});
