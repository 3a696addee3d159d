import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { MemoryRuntime } from '../../test/support/memory-runtime.ts';
import { assumedContainer } from './assumed-container.ts';
import { type Container, ContainerState } from './container.ts';
import { type ContainerDirectory, createContainerDirectory } from './container-directory.ts';

const a = 'a1'.repeat(32);
const b = 'b2'.repeat(32);

function containerOf(id: string, name = 'x'): Container {
  return { ...assumedContainer(id, 0n, undefined), name, runtime: 'memory', startedUnixNs: 5n };
}

let root: string;
let runtime: MemoryRuntime;
let directory: ContainerDirectory;
let updates: Container[];
let verdicts: [string, string][];
let forgotten: bigint[];
let nowMs: number;

function makeCgroup(path: string): bigint {
  mkdirSync(join(root, path), { recursive: true });
  return statSync(join(root, path), { bigint: true }).ino;
}

const mkdir = (cgroupId: bigint, path: string): void =>
  directory.onCgroupMkdir({ kind: 'cgroup-mkdir', ktimeNs: 1n, cgroupId, path });
const rmdir = (cgroupId: bigint, path: string): void =>
  directory.onCgroupRmdir({ kind: 'cgroup-rmdir', ktimeNs: 1n, cgroupId, path });
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tallyman-cgroup-'));
  runtime = new MemoryRuntime();
  updates = [];
  verdicts = [];
  forgotten = [];
  nowMs = 0;
  directory = createContainerDirectory({
    ...{ runtimes: [runtime], cgroupRoot: root, requireCgroup2: false, logger: silentLogger },
    metrics: new Metrics('agent'),
    ownCgroupId: makeCgroup(`docker/${'00'.repeat(32)}`),
    onVerdict: (cgroupId, verdict) => verdicts.push([String(cgroupId), verdict]),
    onUpdate: (container) => updates.push(container),
    onForgotten: (cgroupId) => forgotten.push(cgroupId),
    nowMs: () => nowMs,
  });
});

afterEach(async () => {
  await directory.close();
  rmSync(root, { recursive: true });
});

describe('container directory', () => {
  it('joins what the hierarchy and the runtime tell at the start', async () => {
    const cgroupId = makeCgroup(`docker/${a}`);
    const below = makeCgroup(`docker/${a}/sub`);
    const unit = makeCgroup('system.slice/cron.service');
    runtime.containers.set(a, containerOf(a));
    await directory.start();
    const container = { ...containerOf(a), cgroupId, cgroupPath: `/docker/${a}` };
    expect(directory.get(a)).toEqual(container);
    expect(directory.lookup(cgroupId)).toEqual({ state: 'container', container });
    expect(directory.lookup(below)).toEqual({ state: 'container', container });
    expect(directory.lookup(unit)).toEqual({ state: 'not-container' });
    expect(verdicts).toContainEqual([String(cgroupId), 'watch']);
    expect(verdicts).toContainEqual([String(unit), 'ignore']);
    expect(updates).toEqual([container]);
    expect(runtime.asked).toEqual([]);
  });

  it('counts running containers that have no cgroup of version 2, and no sandboxes', async () => {
    const cgroupId = makeCgroup(`docker/${a}`);
    runtime.containers.set(a, { ...containerOf(a), initPid: 7 });
    runtime.containers.set(b, { ...containerOf(b), initPid: 8 });
    runtime.containers.set('pause', { ...containerOf('pause'), initPid: 9, sandbox: true });
    await directory.start();
    expect(directory.get(a)?.cgroupId).toBe(cgroupId);
    expect(directory.status()).toMatchObject({ runningContainers: 2, withoutCgroup: 1, knownContainers: 3 });
  });

  it('never watches its own container, nor what runs below it', async () => {
    const below = makeCgroup(`docker/${'00'.repeat(32)}/helper`);
    await directory.start();
    expect(directory.lookup(below)).toEqual({ state: 'not-container' });
    expect(verdicts).toContainEqual([String(below), 'ignore']);
    expect(verdicts.filter(([, verdict]) => verdict === 'watch')).toEqual([]);
  });

  it('asks the runtime for a container whose cgroup appears', async () => {
    await directory.start();
    runtime.containers.set(a, containerOf(a));
    mkdir(500n, `/docker/${a}`);
    expect(verdicts.at(-1)).toEqual(['500', 'watch']);
    expect(directory.lookup(500n)).toEqual({ state: 'pending', containerId: a });
    let told = 0;
    directory.subscribe(() => told++);
    await settled();
    expect(told).toBeGreaterThan(0);
    expect(directory.lookup(500n)).toMatchObject({ state: 'container', container: { id: a, cgroupId: 500n } });
    expect(runtime.asked).toEqual([a]);
  });

  it('gives the cgroup to a record that was there before it, without changing the record', async () => {
    await directory.start();
    runtime.sink?.inspected(containerOf(a));
    const before = directory.get(a);
    mkdir(500n, `/docker/${a}`);
    expect(before?.cgroupId).toBe(0n);
    expect(directory.get(a)).toMatchObject({ cgroupId: 500n, cgroupPath: `/docker/${a}` });
    expect(updates.map((update) => update.cgroupId)).toEqual([0n, 500n]);
  });

  it('reports a record only when it has changed', async () => {
    await directory.start();
    for (let i = 0; i < 3; i++) runtime.sink?.inspected(containerOf(a));
    runtime.sink?.renamed(a, 'y');
    expect(updates.map((update) => update.name)).toEqual(['x', 'y']);
  });

  it('finds a cgroup whose birth was not reported, and one whose death was not', async () => {
    const gone = makeCgroup(`docker/${b}`);
    await directory.start();
    const cgroupId = makeCgroup(`docker/${a}`);
    rmdirSync(join(root, `docker/${b}`));
    nowMs = 1000;
    expect(directory.lookup(cgroupId)).toEqual({ state: 'unknown' });
    const before = directory.status().cgroups;
    await expect.poll(() => directory.lookup(cgroupId).state).toBe('pending');
    await settled();
    // One came, one went.
    expect(directory.status().cgroups).toBe(before);
    expect(directory.lookup(gone).state).toBe('pending');
  });

  it('still knows a container and its cgroup for minutes after the end', async () => {
    await directory.start();
    runtime.sink?.inspected(containerOf(a));
    mkdir(500n, `/docker/${a}`);
    rmdir(500n, `/docker/${a}`);
    runtime.sink?.described({ ...containerOf(a), state: ContainerState.EXITED, finishedUnixNs: 9n });
    nowMs = 299_000;
    expect(directory.lookup(500n)).toMatchObject({ state: 'container', container: { state: ContainerState.EXITED } });
    nowMs = 301_000;
    runtime.sink?.inspected(containerOf(b));
    mkdir(501n, '/x');
    rmdir(501n, '/x');
    expect(directory.get(a)).toBeUndefined();
    expect(forgotten).toEqual([500n]);
    expect(directory.lookup(500n)).toEqual({ state: 'unknown' });
  });
});

describe('container directory: containers that nobody knows', () => {
  it('answers pending while the runtime is away, then what it says', async () => {
    await directory.start();
    runtime.away = true;
    mkdir(500n, `/docker/${a}`);
    await settled();
    expect(directory.lookup(500n)).toEqual({ state: 'pending', containerId: a });
    expect(runtime.asked).toHaveLength(1);
    runtime.away = false;
    runtime.containers.set(a, containerOf(a));
    nowMs += 1000;
    directory.lookup(500n);
    await settled();
    expect(directory.lookup(500n).state).toBe('container');
    expect(runtime.asked).toHaveLength(2);
  });

  it('makes up a record on demand, which gives way to the real one', async () => {
    await directory.start();
    mkdir(500n, `/docker/${a}`);
    const assumed = directory.assume(500n);
    expect(assumed).toMatchObject({
      id: a,
      name: a.slice(0, 12),
      cgroupId: 500n,
      image: undefined,
      runtime: 'unknown',
    });
    expect(assumed.posture?.unknownFields).toContain('privileged');
    expect(directory.lookup(500n)).toEqual({ state: 'container', container: assumed });
    expect(directory.assume(500n)).toBe(assumed);
    await settled();
    runtime.sink?.inspected(containerOf(a));
    expect(directory.lookup(500n)).toMatchObject({ container: { runtime: 'memory', cgroupId: 500n } });
    expect(updates.map((update) => update.runtime)).toEqual(['unknown', 'memory']);
  });

  it('takes the end of its cgroup for the end of a container that no runtime knows', async () => {
    await directory.start();
    mkdir(500n, `/docker/${a}`);
    directory.assume(500n);
    mkdir(501n, `/docker/${a}/sub`);
    rmdir(501n, `/docker/${a}/sub`);
    expect(directory.get(a)?.state).toBe(ContainerState.RUNNING);
    rmdir(500n, `/docker/${a}`);
    expect(directory.get(a)?.state).toBe(ContainerState.EXITED);
  });

  it('makes up a record of what has ended already as ended', async () => {
    await directory.start();
    mkdir(500n, `/docker/${a}`);
    rmdir(500n, `/docker/${a}`);
    expect(directory.assume(500n)).toMatchObject({ id: a, state: ContainerState.EXITED });
    expect(directory.assume(500n).finishedUnixNs).toBeGreaterThan(0n);
    expect(directory.status().runningContainers).toBe(0);
  });

  it('keeps a bounded number of made-up records', async () => {
    await directory.start();
    for (let i = 0; i < 1500; i++) {
      const id = i.toString(16).padStart(64, '0');
      mkdir(BigInt(5000 + i), `/docker/${id}`);
      expect(directory.assume(BigInt(5000 + i)).id).toBe(id);
    }
    expect(directory.status().knownContainers).toBe(1000);
  });

  it('leaves a bare id in an unusual place to the runtime', async () => {
    await directory.start();
    runtime.containers.set(a, containerOf(a));
    mkdir(500n, `/custom/${a}`);
    mkdir(501n, `/custom/${b}`);
    expect(directory.lookup(501n)).toEqual({ state: 'pending', containerId: b });
    expect(verdicts.filter(([id]) => id === '500' || id === '501')).toEqual([]);
    await settled();
    expect(directory.lookup(500n).state).toBe('container');
    expect(directory.lookup(501n)).toEqual({ state: 'not-container' });
    expect(verdicts.slice(-2).sort()).toEqual([
      ['500', 'watch'],
      ['501', 'ignore'],
    ]);
  });
});
