import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KernelEvent } from '../../agent/decode/kernel-event.ts';
import type { ProcessExecution } from '../../agent/process/process.ts';
import { createProcessTree, type ProcessTree } from '../../agent/process/process-tree.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { buildTestImage } from '../support/docker.ts';
import { ofKind, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;

beforeAll(async () => {
  await buildTestImage();
  session = new SensorSession().start();
});

afterAll(() => session.close());

const container = 'c'.repeat(64);

function newTree(maxProcesses = 4096): ProcessTree {
  const metrics = new Metrics('agent');
  return createProcessTree({ bootId: '0123', logger: silentLogger, metrics, maxProcesses, procRoot: '/proc' });
}

/** Plays the events into a tree; answers the executions in their order. */
function executionsOf(events: readonly KernelEvent[], tree = newTree()): ProcessExecution[] {
  const executions: ProcessExecution[] = [];
  for (const event of events) {
    if (event.kind === 'fork') tree.onFork(event);
    else if (event.kind === 'exec') executions.push(tree.onExec(event, container));
    else if (event.kind === 'exit') tree.onExit(event);
  }
  return executions;
}

/** Names of the programs from this one up. */
function lineage(execution: ProcessExecution | undefined): string[] {
  const names: string[] = [];
  for (let at = execution; at !== undefined; at = at.parent) names.push(at.filename);
  return names;
}

async function lastOf(script: string): Promise<ProcessExecution> {
  const executions = executionsOf(await session.eventsOf({ command: ['/bin/sh', '-c', script] }));
  const last = executions.findLast((execution) => execution.filename === '/bin/true');
  if (last === undefined) throw new Error(`nothing of ${lineage(executions.at(-1))} is /bin/true`);
  return last;
}

describe('the lineage of real processes', () => {
  it('goes on where a thread executes after the first one has ended', async () => {
    const execution = await lastOf('/bin/executor threads 4 /bin/true; :');
    expect(lineage(execution).slice(0, 2)).toEqual(['/bin/true', '/bin/executor']);
    expect(new Set(lineage(execution).slice(2))).toEqual(new Set(['/bin/sh']));
    expect(execution).toMatchObject({ entry: 'internal', parentMissing: false, exitCode: 0, exitSignal: 0 });
    expect(execution.parent).toMatchObject({ pid: execution.pid, startKtimeNs: execution.startKtimeNs });
    expect(execution.parent?.endKtimeNs).toBe(execution.execKtimeNs);
  });

  it.each([
    ['the container’s first program', 'orphan'],
    ['a subreaper', 'reaper'],
  ])('is that of its birth where %s has adopted the process', async (_who, way) => {
    const events = await session.eventsOf({ command: ['/bin/sh', '-c', `/bin/breeder ${way} /bin/true; :`] });
    const exec = ofKind(events, 'exec').at(-1);
    const execution = executionsOf(events).at(-1);
    // breeder as the process that executed, as its parent and as its grandparent.
    const breeder = '/bin/breeder';
    expect(lineage(execution).slice(0, 4)).toEqual(['/bin/true', breeder, breeder, '/bin/sh']);
    const [, parent, grandparent] = [execution, execution?.parent, execution?.parent?.parent];
    expect(parent?.pid).not.toBe(grandparent?.pid);
    // The kernel names who has adopted it.
    expect(exec?.parentPid).toBe(way === 'reaper' ? grandparent?.pid : ofKind(events, 'exec')[0]?.pid);
  });

  it('is healed by the parent that an exec names when forks and execs are lost', async () => {
    const events = await session.eventsOf({ command: ['/bin/sh', '-c', '/bin/sh -c "/bin/true; :"; :'] });
    const forks = ofKind(events, 'fork');
    const withoutForks = executionsOf(events.filter((event) => !forks.includes(event as (typeof forks)[number])));
    expect(lineage(withoutForks.at(-1))).toEqual(['/bin/true', '/bin/sh', '/bin/sh']);
    const middle = ofKind(events, 'exec')[1];
    const withoutMiddle = executionsOf(events.filter((event) => event !== middle)).at(-1);
    expect(lineage(withoutMiddle).at(-1)).toBe('/bin/sh');
    expect(withoutMiddle?.filename).toBe('/bin/true');
  });

  it('tells when the program ran, and how it ended', async () => {
    const [shell, program] = executionsOf(
      await session.eventsOf({ command: ['/bin/sh', '-c', 'cd /tmp; /bin/breeder dump; exit 3'] }),
    );
    expect(program).toMatchObject({ filename: '/bin/breeder', exitSignal: 6, coreDumped: true });
    expect(shell).toMatchObject({ exitCode: 3, exitSignal: 0, coreDumped: false });
    expect(program?.endKtimeNs).toBeGreaterThan(program?.execKtimeNs ?? 0n);
    expect(shell?.endKtimeNs).toBeGreaterThan(program?.endKtimeNs ?? 0n);
  });

  it('is kept in bounded memory while processes come and go', async () => {
    const count = 10_000;
    const tree = newTree(1024);
    const from = session.events.length;
    const events = await session.eventsOf({ command: ['/bin/breeder', 'churn', String(count), '/bin/true'] });
    let largest = 0;
    for (const event of events) {
      executionsOf([event], tree);
      largest = Math.max(largest, tree.size);
    }
    const executed = ofKind(events, 'exec').filter((exec) => exec.filename === '/bin/true');
    const lost = session.sensor
      .ledger()
      .reduce((sum, row) => sum + Object.values(row.lost).reduce((a, b) => a + b), 0n);
    expect(BigInt(executed.length) + lost).toBeGreaterThanOrEqual(BigInt(count));
    expect(largest).toBeLessThanOrEqual(1024);
    const init = ofKind(events, 'exec')[0];
    expect(lineage(tree.find(init?.pid ?? 0, init?.startKtimeNs ?? 0n))).toEqual(['/bin/breeder']);
    session.events.length = from;
  });
});
