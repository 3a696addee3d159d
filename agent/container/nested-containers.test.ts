import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

let root: string;
let runtime: MemoryRuntime;
let directory: ContainerDirectory;
let verdicts: [string, string, bigint][];

const containerOf = (id: string): Container => ({
  ...{ ...assumedContainer(id, 0n, undefined), runtime: 'memory', startedUnixNs: 5n },
});
const mkdir = (cgroupId: bigint, path: string): void =>
  directory.onCgroupMkdir({ kind: 'cgroup-mkdir', ktimeNs: 1n, cgroupId, path });
const rmdir = (cgroupId: bigint, path: string): void =>
  directory.onCgroupRmdir({ kind: 'cgroup-rmdir', ktimeNs: 1n, cgroupId, path });
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'tallyman-cgroup-'));
  runtime = new MemoryRuntime();
  verdicts = [];
  directory = createContainerDirectory({
    ...{ runtimes: [runtime], cgroupRoot: root, requireCgroup2: false, procRoot: join(root, 'proc') },
    ...{ logger: silentLogger, metrics: new Metrics('agent'), ownCgroupId: 1n, onUpdate: () => undefined },
    onVerdict: (cgroupId, verdict, key) => verdicts.push([String(cgroupId), verdict, key]),
  });
  await directory.start();
});

afterEach(async () => {
  await directory.close();
  rmSync(root, { recursive: true });
});

describe('a container in the cgroup of another one', () => {
  /** As /proc shows a process in this cgroup. */
  function initAt(pid: number, path: string): void {
    mkdirSync(join(root, `proc/${pid}`), { recursive: true });
    writeFileSync(join(root, `proc/${pid}/cgroup`), `4:memory:/x\n0::${path}\n`);
  }

  it('counts as the outer one what no runtime knows', async () => {
    runtime.sink?.inspected(containerOf(a));
    mkdir(500n, `/docker/${a}`);
    mkdir(501n, `/docker/${a}/docker/${b}`);
    expect(directory.lookup(501n)).toMatchObject({ container: { id: a, cgroupId: 500n } });
    await settled();
    expect(directory.lookup(501n)).toMatchObject({ container: { id: a } });
    // What it uses of the budget of records is the outer one's, too.
    expect(verdicts.findLast(([id]) => id === '501')).toEqual(['501', 'watch', 500n]);
  });

  it('counts as the inner one what lives there by the word of its runtime', async () => {
    runtime.sink?.inspected(containerOf(a));
    mkdir(500n, `/docker/${a}`);
    mkdir(501n, `/docker/${a}/docker/${b}`);
    mkdir(502n, `/docker/${a}/docker/${b}/below`);
    initAt(77, `/docker/${a}/docker/${b}/container`);
    runtime.sink?.inspected({ ...containerOf(b), initPid: 77 });
    expect(directory.lookup(501n)).toMatchObject({ container: { id: b, cgroupId: 501n } });
    expect(directory.lookup(502n)).toMatchObject({ container: { id: b } });
    expect(directory.lookup(500n)).toMatchObject({ container: { id: a } });
  });

  it('does not believe a container that calls its cgroups by the id of another one', async () => {
    const own = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${'0'.repeat(32)}.slice/cri-containerd-${b}.scope`;
    runtime.sink?.inspected(containerOf(a));
    mkdir(500n, `/docker/${a}`);
    mkdir(501n, `/docker/${a}/docker-${b}.scope`);
    runtime.sink?.inspected(containerOf(b));
    expect(directory.lookup(501n)).toMatchObject({ container: { id: a } });
    mkdir(502n, own);
    initAt(78, own);
    runtime.sink?.inspected({ ...containerOf(b), initPid: 78 });
    expect(directory.lookup(501n)).toMatchObject({ container: { id: a, cgroupId: 500n } });
    expect(directory.lookup(502n)).toMatchObject({ container: { id: b, cgroupId: 502n, cgroupPath: own } });
    rmdir(501n, `/docker/${a}/docker-${b}.scope`);
    expect(directory.get(b)?.state).toBe(ContainerState.RUNNING);
  });

  it('makes up the outer one where nobody can be asked', async () => {
    runtime.away = true;
    mkdir(501n, `/docker/${a}/docker/${b}`);
    await settled();
    expect(directory.lookup(501n)).toEqual({ state: 'pending', containerId: a });
    expect(directory.assume(501n)).toMatchObject({ id: a, runtime: 'unknown' });
    expect(directory.get(b)).toBeUndefined();
  });

  it('counts the inner one where the container around it is not of this machine', async () => {
    runtime.containers.set(b, containerOf(b));
    mkdir(501n, `/docker/${a}/kubelet/kubepods/pod${'0'.repeat(32)}/${b}`);
    await settled();
    expect(directory.lookup(501n)).toMatchObject({ container: { id: b, cgroupId: 501n } });
  });
});
