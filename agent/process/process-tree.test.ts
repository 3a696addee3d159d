import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { execOf, exitOf, forkOf, type TestProcess } from '../../test/support/kernel-events.ts';
import type { ProcessExecution } from './process.ts';
import { createProcessTree, type ProcessTree } from './process-tree.ts';

const id = 'c'.repeat(64);

function tree(maxProcesses = 1000): ProcessTree {
  const metrics = new Metrics('agent');
  return createProcessTree({ bootId: '01234567-89ab', logger: silentLogger, metrics, maxProcesses, procRoot: '/proc' });
}

function process(pid: number, startKtimeNs = BigInt(pid) * 1000n + 7n): TestProcess {
  return { pid, startKtimeNs, cgroupId: 82n };
}

function chain(execution: ProcessExecution | undefined): string[] {
  const names: string[] = [];
  for (let at = execution; at !== undefined; at = at.parent) names.push(`${at.executable.path}(${at.pid})`);
  return names;
}

const init = { ...process(100), containerPid: 1 };

describe('process tree: lineage', () => {
  it('links a forked child that executes to what its parent ran, skipping the copy in between', () => {
    const t = tree();
    const first = t.onExec(execOf(init, 1n, '/bin/sh'), id);
    t.onFork(forkOf(init, 2n, process(101)));
    const child = t.onExec(execOf(process(101), 3n, '/bin/ls', init), id);
    expect(chain(child)).toEqual(['/bin/ls(101)', '/bin/sh(100)']);
    expect(child.parent).toBe(first);
    expect(child).toMatchObject({ entry: 'internal', parentMissing: false, executionId: '01234567:101:101007:3' });
    expect(first).toMatchObject({ entry: 'container-init', parent: undefined, parentMissing: false, containerId: id });
  });

  it('gives a fork that executes nothing its parent’s program under its own pid', () => {
    const t = tree();
    const first = t.onExec(execOf(init, 1n, '/bin/sh'), id);
    t.onFork(forkOf(init, 2n, process(101)));
    t.onExec(execOf(init, 3n, '/bin/other'), id);
    const copy = t.find(101, process(101).startKtimeNs);
    expect(copy).toMatchObject({
      pid: 101,
      executable: first.executable,
      argv: ['/bin/sh'],
      executionId: '01234567:101:101007:1',
    });
    expect(copy?.parent).toBe(first);
    expect(copy).toMatchObject({ execKtimeNs: 101007n, endKtimeNs: undefined, containerId: id, entry: 'internal' });
    expect(t.find(101, process(101).startKtimeNs)).toBe(copy);
    t.onFork(forkOf(process(101), 4n, process(102)));
    expect(chain(t.onExec(execOf(process(102), 5n, '/bin/ls', process(101)), id))).toEqual([
      '/bin/ls(102)',
      '/bin/sh(101)',
      '/bin/sh(100)',
    ]);
  });

  it('makes the former program of the same process a parent and ends it', () => {
    const t = tree();
    const first = t.onExec(execOf(init, 10n, '/entrypoint.sh'), id);
    const second = t.onExec(execOf(init, 25n, '/usr/bin/app'), id);
    expect(second.parent).toBe(first);
    expect(first).toMatchObject({ endKtimeNs: 25n, exitCode: undefined });
    expect(t.replaced).toBe(first);
    expect(second).toMatchObject({ entry: 'internal', endKtimeNs: undefined, executionId: '01234567:100:100007:25' });
    expect(t.find(100, init.startKtimeNs)).toBe(second);
  });

  it('keeps the parent at fork time when the child is adopted', () => {
    const t = tree();
    t.onExec(execOf(init, 1n, '/init'), id);
    t.onFork(forkOf(init, 2n, process(101)));
    t.onExec(execOf(process(101), 3n, '/bin/sh', init), id);
    t.onFork(forkOf(process(101), 4n, process(102)));
    t.onExit(exitOf(process(101), 5n));
    expect(chain(t.onExec(execOf(process(102), 6n, '/bin/evil', init), id))).toEqual([
      '/bin/evil(102)',
      '/bin/sh(101)',
      '/init(100)',
    ]);
  });

  it('tells two processes with the same pid apart', () => {
    const t = tree();
    t.onExec(execOf(init, 1n, '/init'), id);
    const old = process(101, 5000n);
    const young = process(101, 9000n);
    t.onFork(forkOf(init, 2n, old));
    const ls = t.onExec(execOf(old, 3n, '/bin/ls', init), id);
    t.onExit(exitOf(old, 4n, 3));
    t.onFork(forkOf(init, 5n, young));
    const cat = t.onExec(execOf(young, 6n, '/bin/cat', init), id);
    expect(t.find(101, 5000n)).toBe(ls);
    expect(t.find(101, 9000n)).toBe(cat);
    expect(t.find(101, 7000n)).toBeUndefined();
    expect(ls).toMatchObject({ exitCode: 3, endKtimeNs: 4n });
    expect(cat).toMatchObject({ exitCode: undefined, parent: ls.parent });
  });

  it('goes on when a thread other than the leader executes: the leader exits first', () => {
    const t = tree();
    const first = t.onExec(execOf(init, 1n, '/threads'), id);
    t.onExit(exitOf(init, 2n));
    const second = t.onExec({ ...execOf(init, 3n, '/bin/sh'), tid: 177 }, id);
    expect(second.parent).toBe(first);
    expect(first).toMatchObject({ endKtimeNs: 3n, exitCode: undefined });
    t.onFork(forkOf(init, 20_000_000_000n, process(101)));
    expect(t.find(100, init.startKtimeNs)).toBe(second);
    expect(t.onExit(exitOf(init, 20_000_000_001n, 9))).toBe(second);
    expect(second.exitCode).toBe(9);
  });
});

describe('process tree: entries', () => {
  it('tells the first program from later sessions, also after a restart', () => {
    const t = tree();
    expect(t.onExec(execOf(init, 1n, '/init'), id).entry).toBe('container-init');
    const session = { ...process(200), containerPid: 17 };
    expect(t.onExec(execOf(session, 2n, '/bin/sh'), id)).toMatchObject({
      entry: 'exec-session',
      parent: undefined,
      parentMissing: false,
    });
    expect(t.onExec(execOf(session, 3n, '/bin/ls'), id).entry).toBe('internal');
    expect(t.onExec(execOf(process(300), 3n, '/init'), 'd'.repeat(64)).entry).toBe('container-init');
    t.onExit(exitOf(init, 4n));
    expect(t.onExec(execOf(process(400), 5n, '/init'), id).entry).toBe('container-init');
  });

  it('keeps sessions apart from the first program while the container is not known', () => {
    const t = tree();
    const first = t.onExec(execOf(process(100), 1n, '/init'), undefined);
    expect(first).toMatchObject({ entry: 'container-init', containerId: undefined });
    t.assignContainer(first, id);
    expect(first.containerId).toBe(id);
    expect(t.onExec(execOf(process(200), 2n, '/bin/sh'), id).entry).toBe('exec-session');
  });

  it('knows the first process by its first program, also when it has executed another since', () => {
    const t = tree();
    const first = t.onExec(execOf(process(100), 1n, '/entrypoint.sh'), undefined);
    t.onExec(execOf(process(100), 2n, '/server'), undefined);
    t.assignContainer(first, id);
    expect(t.onExec(execOf(process(200), 3n, '/bin/sh'), id).entry).toBe('exec-session');
  });

  it('does not take a program for one from outside if its parent is known to be inside', () => {
    const t = tree();
    const first = t.onExec(execOf(init, 1n, '/init'), id);
    const child = t.onExec(execOf(process(101), 2n, '/bin/ls', init, { fromOutside: true }), id);
    expect(child).toMatchObject({ entry: 'internal', parent: first });
  });
});

describe('process tree: lost records', () => {
  it('heals a lost fork by the parent that the exec names', () => {
    const t = tree();
    const first = t.onExec(execOf(init, 1n, '/init'), id);
    expect(t.onExec(execOf(process(101), 2n, '/bin/ls', init), id)).toMatchObject({
      parent: first,
      parentMissing: false,
    });
  });

  it('says that a parent is missing rather than name a wrong one', () => {
    const t = tree();
    t.onExec(execOf(init, 1n, '/init'), id);
    expect(t.onExec(execOf(process(101), 2n, '/bin/ls', process(99)), id)).toMatchObject({
      parent: undefined,
      parentMissing: true,
      entry: 'internal',
    });
    // Forked by a process nobody knows, then adopted by init.
    t.onFork(forkOf(process(98), 3n, process(102)));
    expect(t.find(102, process(102).startKtimeNs)).toBeUndefined();
    expect(t.onExec(execOf(process(102), 4n, '/bin/ls', init), id)).toMatchObject({
      parent: undefined,
      parentMissing: true,
    });
  });

  it('takes the later holder of a pid for the end of the former', () => {
    const t = tree();
    t.onExec(execOf(process(101, 5000n), 1n, '/bin/ls'), id);
    t.onExec(execOf(process(101, 9000n), 2n, '/bin/cat'), id);
    expect(t.size).toBe(2);
    t.onFork(forkOf(init, 10_000_000_000n, process(102)));
    expect(t.find(101, 5000n)).toBeUndefined();
    expect(t.find(101, 9000n)?.executable.path).toBe('/bin/cat');
  });

  it('answers nothing for the exit of a process it does not know, and for a second exit', () => {
    const t = tree();
    expect(t.onExit(exitOf(init, 1n))).toBeUndefined();
    const first = t.onExec(execOf(init, 2n, '/init'), id);
    expect(t.onExit(exitOf(init, 3n))).toBe(first);
    expect(t.onExit(exitOf(init, 4n, 7))).toBeUndefined();
    expect(first).toMatchObject({ endKtimeNs: 3n, exitCode: 0 });
  });
});
