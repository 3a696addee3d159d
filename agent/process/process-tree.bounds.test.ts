import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { execOf, exitOf, forkOf, type TestProcess } from '../../test/support/kernel-events.ts';
import { maxAncestors } from './execution.ts';
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

describe('process tree: bounds', () => {
  it('forgets exited processes after some seconds of event time', () => {
    const t = tree();
    t.onExec(execOf(init, 1n, '/init'), id);
    for (let pid = 1000; pid < 1100; pid++) {
      t.onFork(forkOf(init, BigInt(pid), process(pid)));
      t.onExit(exitOf(process(pid), BigInt(pid)));
    }
    expect(t.size).toBe(101);
    t.onFork(forkOf(init, 6_000_000_000n, process(5000)));
    expect(t.size).toBe(2);
  });

  it('stays within its bound with more living processes than fit, giving up exited ones first', () => {
    const t = tree(50);
    t.onExec(execOf(init, 1n, '/init'), id);
    for (let pid = 1000; pid < 1020; pid++) t.onFork(forkOf(init, 2n, process(pid)));
    for (let pid = 1000; pid < 1010; pid++) t.onExit(exitOf(process(pid), 3n));
    for (let pid = 2000; pid < 2039; pid++) t.onFork(forkOf(init, 4n, process(pid)));
    expect(t.size).toBe(50);
    expect(t.find(1010, process(1010).startKtimeNs)).toBeDefined();
    expect(t.find(1009, process(1009).startKtimeNs)).toBeUndefined();
    for (let pid = 3000; pid < 9000; pid++) t.onFork(forkOf(init, 5n, process(pid)));
    expect(t.size).toBe(50);
    // The one that keeps forking is used all the time.
    expect(t.find(100, init.startKtimeNs)).toBeDefined();
  });

  it('cuts the chain of a process that executes for ever', () => {
    const t = tree();
    let last: ProcessExecution | undefined;
    for (let i = 0; i < 10_000; i++) {
      last = t.onExec(execOf(init, BigInt(i + 1), `/bin/${i}`), id);
      if (i % 997 === 0) expect(chain(last).length).toBeLessThanOrEqual(maxAncestors + 1);
    }
    const links = chain(last);
    expect(links.length).toBeGreaterThan(maxAncestors / 2);
    expect(links.slice(0, 3)).toEqual(['/bin/9999(100)', '/bin/9998(100)', '/bin/9997(100)']);
    let oldest = last;
    while (oldest?.parent !== undefined) oldest = oldest.parent;
    expect(oldest?.parentMissing).toBe(true);
  });

  it('cuts a chain of forks without cutting the lineage of others', () => {
    const t = tree(300_000);
    t.onExec(execOf(init, 1n, '/init'), id);
    const sibling = process(50);
    t.onFork(forkOf(init, 2n, sibling));
    const shell = t.onExec(execOf(sibling, 3n, '/bin/sh', init), id);
    for (let pid = 1000; pid < 101_000; pid++) {
      const parent = pid === 1000 ? sibling : process(pid - 1);
      t.onFork(forkOf(parent, BigInt(pid), process(pid)));
    }
    const deepest = t.find(100_999, process(100_999).startKtimeNs);
    expect(chain(deepest).length).toBeLessThanOrEqual(maxAncestors + 1);
    expect(chain(t.find(1010, process(1010).startKtimeNs)).slice(-2)).toEqual(['/bin/sh(50)', '/init(100)']);
    expect(chain(shell)).toEqual(['/bin/sh(50)', '/init(100)']);
    expect(shell.parentMissing).toBe(false);
  });

  it('does not grow with short-lived processes', () => {
    const t = tree(4096);
    t.onExec(execOf(init, 1n, '/init'), id);
    for (let i = 0; i < 100_000; i++) {
      const child = process(1000 + (i % 30_000), BigInt(i) * 1000n + 5n);
      const now = BigInt(i) * 1_000_000n;
      t.onFork(forkOf(init, now, child));
      t.onExec(execOf(child, now, '/bin/true', init), id);
      t.onExit(exitOf(child, now));
      if (i % 10_000 === 0) expect(t.size).toBeLessThanOrEqual(4096);
    }
    expect(t.size).toBeLessThanOrEqual(4096);
  });
});
