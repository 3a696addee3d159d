import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { execOf, exitOf, forkOf, type TestProcess } from '../../test/support/kernel-events.ts';
import { createProcessTree, type ProcessTree } from './process-tree.ts';

const id = 'c'.repeat(64);
let root: string;
let tree: ProcessTree;

/** A /proc with what the kernel writes for a process; start in ticks of 10 ms. */
function addProcess(pid: number, parentPid: number, containerPid: number, ticks: number, path: string): void {
  const directory = join(root, 'proc', String(pid));
  mkdirSync(join(directory, 'fd'), { recursive: true });
  const after = `S ${parentPid} ${pid} ${pid} 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 0 ${ticks} 0 0`.split(' ');
  after.splice(18, 1);
  writeFileSync(join(directory, 'stat'), `${pid} (${path}) ${after.join(' ')}`);
  const ids = 'Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0';
  writeFileSync(join(directory, 'status'), `Name:\tx\n${ids}\nNSpid:\t${pid}\t${containerPid}\n`);
  writeFileSync(join(directory, 'cmdline'), `${path}\0-x\0`);
  symlinkSync(`/bin/${path}`, join(directory, 'exe'));
  symlinkSync('/', join(directory, 'cwd'));
  symlinkSync('socket:[17]', join(directory, 'fd', '0'));
}

function setCgroup(pids: number[], below: number[]): void {
  mkdirSync(join(root, 'cgroup', 'sub'), { recursive: true });
  writeFileSync(join(root, 'cgroup', 'cgroup.procs'), pids.map((pid) => `${pid}\n`).join(''));
  writeFileSync(join(root, 'cgroup', 'sub', 'cgroup.procs'), below.map((pid) => `${pid}\n`).join(''));
}

const process = (pid: number, startKtimeNs: bigint): TestProcess => ({ pid, startKtimeNs, cgroupId: 82n });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tallyman-proc-'));
  mkdirSync(join(root, 'proc'));
  // Seconds since boot.
  writeFileSync(join(root, 'proc', 'uptime'), '20.00 39.00\n');
  addProcess(300, 1, 1, 1000, 'init');
  addProcess(50, 300, 7, 1001, 'worker');
  addProcess(400, 2, 9, 1002, 'session');
  setCgroup([50, 300], [400, 999]);
  const metrics = new Metrics('agent');
  tree = createProcessTree({
    ...{ bootId: '0', logger: silentLogger, metrics, maxProcesses: 100, procRoot: join(root, 'proc') },
  });
});

afterEach(() => rmSync(root, { recursive: true }));

describe('seeding the process tree', () => {
  it('reads processes of the cgroup and below it, parents first, whatever their pids', async () => {
    expect(await tree.seed(id, join(root, 'cgroup'))).toBe(3);
    const worker = tree.find(50, 10_010_000_000n);
    expect(worker).toMatchObject({ argv: ['worker', '-x'], observed: false, entry: 'internal', containerId: id });
    expect(worker?.executable).toMatchObject({ path: '/bin/worker', layer: 'unknown' });
    expect(worker?.stdioSockets).toEqual([{ fd: 0, family: 'other', peerAddress: '', peerPort: 0, peerPid: 0 }]);
    expect(worker?.parent).toMatchObject({ pid: 300, entry: 'container-init', parentMissing: false });
    expect(tree.find(400, 10_020_000_000n)).toMatchObject({ entry: 'exec-session', parent: undefined });
    expect(await tree.seed(id, join(root, 'cgroup'))).toBe(0);
  });

  it('recognises a process by its exact start once the kernel tells it', async () => {
    await tree.seed(id, join(root, 'cgroup'));
    const worker = tree.find(50, 10_019_999_999n);
    expect(worker?.argv[0]).toBe('worker');
    expect(tree.find(50, 10_011_000_000n)).toBeUndefined();
    expect(tree.find(50, 10_020_000_000n)).toBeUndefined();
    const next = tree.onExec(execOf(process(50, 10_019_999_999n), 30_000_000_000n, '/bin/next'), id);
    expect(next.parent).toBe(worker);
    expect(tree.onExit(exitOf(process(50, 10_019_999_999n), 31_000_000_000n))).toBe(next);
  });

  it('does not overwrite what the kernel has told already', async () => {
    const init = { ...process(300, 10_003_000_000n), containerPid: 1 };
    const told = tree.onExec(execOf(init, 10_003_000_001n, '/bin/init'), id);
    expect(await tree.seed(id, join(root, 'cgroup'))).toBe(2);
    expect(tree.find(300, init.startKtimeNs)).toBe(told);
    expect(tree.find(50, 10_010_000_000n)?.parent).toBe(told);
  });

  it('counts an exec that is reported late as the program that /proc showed', async () => {
    await tree.seed(id, join(root, 'cgroup'));
    const late = tree.onExec(execOf(process(50, 10_010_000_001n), 15_000_000_000n, '/bin/worker'), id);
    expect(late.parent).toMatchObject({ pid: 300 });
    expect(late.observed).toBe(true);
    const next = tree.onExec(execOf(process(50, 10_010_000_001n), 20_000_000_001n, '/bin/next'), id);
    expect(next.parent).toBe(late);
  });

  it('gives a parent to forks that came before it was known', async () => {
    tree.onFork(forkOf(process(300, 10_005_000_000n), 18_000_000_000n, process(500, 18_000_000_000n)));
    await tree.seed(id, join(root, 'cgroup'));
    expect(tree.find(500, 18_000_000_000n)?.parent).toMatchObject({ pid: 300, observed: false });
    expect(tree.onExec(execOf(process(600, 1n), 19n, '/bin/sh'), id).entry).toBe('exec-session');
  });
});
