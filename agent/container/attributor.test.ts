import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { dnsAnswer, dnsMessage } from '../../test/support/dns-message.ts';
import {
  capabilityOf,
  connectOf,
  execOf,
  exitOf,
  forkOf,
  segmentOf,
  type TestProcess,
} from '../../test/support/kernel-events.ts';
import { StagedDirectory } from '../../test/support/staged-directory.ts';
import type { AttributedEvent } from '../detect/attributed-event.ts';
import type { ProcessExecution } from '../process/process.ts';
import { createProcessTree } from '../process/process-tree.ts';
import { assumedContainer } from './assumed-container.ts';
import { type Attributor, type AttributorOptions, createAttributor } from './attributor.ts';
import type { CgroupLookup, Container } from './container.ts';
import type { Loss } from './loss-windows.ts';

const id = 'c'.repeat(64);
const other = 'd'.repeat(64);

function containerOf(containerId: string, cgroupId: bigint): Container {
  const assumed = assumedContainer(containerId, cgroupId, undefined);
  const image = { reference: 'r', configDigest: 'sha256:1', repoDigests: [], targetDigest: '', platform: '' };
  const posture = assumed.posture && { ...assumed.posture, unknownFields: [] };
  return { ...assumed, runtime: 'docker', image, posture };
}

const init: TestProcess = { pid: 100, startKtimeNs: 7n, cgroupId: 82n, containerPid: 1 };
const child: TestProcess = { pid: 101, startKtimeNs: 9n, cgroupId: 82n };
const elsewhere: TestProcess = { pid: 200, startKtimeNs: 8n, cgroupId: 83n, containerPid: 1 };
const known: CgroupLookup = { state: 'container', container: containerOf(id, 82n) };
const pending: CgroupLookup = { state: 'pending', containerId: id };

let stage: StagedDirectory;
let emitted: AttributedEvent[];
let ended: ProcessExecution[];
let metrics: Metrics;
let nowMs: number;
let attributor: Attributor;

function create(options: Partial<AttributorOptions> = {}): Attributor {
  stage = new StagedDirectory();
  emitted = [];
  ended = [];
  nowMs = 0;
  metrics = new Metrics('agent');
  const tree = createProcessTree({ bootId: '0', logger: silentLogger, metrics, maxProcesses: 100, procRoot: '/proc' });
  return createAttributor({
    directory: stage.directory,
    tree,
    emit: (event) => emitted.push(event),
    onExecutionEnded: (execution) => ended.push(execution),
    logger: silentLogger,
    metrics,
    now: () => nowMs,
    tickMs: 1_000_000,
    ...options,
  });
}

function summary(): string[] {
  return emitted.map(({ event, attribution, missing }) => [event.ktimeNs, attribution, ...missing].join(' '));
}

async function counted(outcome: string): Promise<number> {
  attributor.tick();
  const metric = await metrics.registry.getSingleMetric('tallyman_agent_attribution_events_total')?.get();
  return metric?.values.find((value) => value.labels.outcome === outcome)?.value ?? 0;
}

beforeEach(() => {
  attributor = create();
});

afterEach(() => attributor.close());

describe('attributor', () => {
  it('passes events of known containers on at once, with the execution that acted', () => {
    stage.answers.set(82n, known);
    attributor.onEvent(execOf(init, 1n, '/bin/sh'));
    attributor.onEvent(forkOf(init, 2n, child));
    attributor.onEvent(execOf(child, 3n, '/bin/mount', init));
    attributor.onEvent(capabilityOf(child, 4n));
    expect(summary()).toEqual(['1 complete', '3 complete', '4 complete']);
    expect(emitted[2]).toMatchObject({ dataComplete: true, container: known.state === 'container' && known.container });
    expect(emitted[2]?.execution).toBe(emitted[1]?.execution);
    expect(emitted[2]?.execution).toMatchObject({ containerId: id, executable: { path: '/bin/mount' } });
  });

  it('says which programs ended, by exit or by another exec', () => {
    stage.answers.set(82n, known);
    attributor.onEvent(execOf(init, 1n, '/entry'));
    attributor.onEvent(execOf(init, 2n, '/app'));
    attributor.onEvent(exitOf(init, 3n, 4));
    expect(ended.map((execution) => [execution.executable.path, execution.endKtimeNs, execution.exitCode])).toEqual([
      ['/entry', 2n, undefined],
      ['/app', 3n, 4],
    ]);
  });

  it('drops what is in no container, and counts it', async () => {
    stage.answers.set(82n, { state: 'not-container' });
    attributor.onEvent(execOf(init, 1n, '/bin/sh'));
    attributor.onEvent(forkOf(init, 2n, child));
    attributor.onEvent(capabilityOf(child, 3n));
    expect(emitted).toEqual([]);
    expect(await counted('not-container')).toBe(2);
  });

  it('hands cgroup events to the directory', () => {
    attributor.onEvent({ kind: 'cgroup-mkdir', ktimeNs: 1n, cgroupId: 9n, path: '/a' });
    attributor.onEvent({ kind: 'cgroup-rmdir', ktimeNs: 1n, cgroupId: 9n, path: '/a' });
    expect(stage.seen).toEqual(['mkdir /a', 'rmdir /a']);
  });

  it('reports an event of a process that is not known as partial', () => {
    stage.answers.set(82n, known);
    attributor.onEvent(connectOf(child, 1n));
    expect(emitted[0]).toMatchObject({ attribution: 'partial', missing: ['process'], execution: undefined });
  });

  it('marks events around a loss of records, with what was lost', () => {
    stage.answers.set(82n, known);
    const secondsNs = 1_000_000_000n;
    const loss = { hop: 'ring-buffer', type: 'exec', reason: 'ring-full', count: 7n, containerId: undefined };
    attributor.noteLoss({ ...loss, fromKtimeNs: 100n * secondsNs, toKtimeNs: 101n * secondsNs });
    for (const at of [39n, 41n, 100n, 160n, 162n]) attributor.onEvent(execOf(init, at * secondsNs, '/bin/sh'));
    expect(emitted.map((event) => event.dataComplete)).toEqual([true, false, false, false, true]);
    expect(emitted.map((event) => event.losses?.[0]?.count)).toEqual([undefined, 7n, 7n, 7n, undefined]);
    expect(stage.seen).toEqual(['rescan']);
  });

  it('does not doubt the events of a container for what another one lost', () => {
    stage.answers.set(82n, known);
    const loss = { hop: 'budget', type: 'exec', reason: 'throttled', count: 7n, fromKtimeNs: 1n, toKtimeNs: 2n };
    attributor.noteLoss({ ...loss, containerId: 'another' });
    attributor.onEvent(execOf(init, 1n, '/bin/sh'));
    expect(emitted[0]?.dataComplete).toBe(true);
  });

  it('does not let an error of detection cost the events behind it', async () => {
    attributor.close();
    attributor = create({
      emit: (event) => {
        if (event.event.ktimeNs === 1n) throw new Error('a bad rule');
        emitted.push(event);
      },
    });
    stage.answers.set(82n, known);
    attributor.onEvent(execOf(init, 1n, '/bin/sh'));
    attributor.onEvent(execOf(init, 2n, '/bin/sh'));
    expect(summary()).toEqual(['2 complete']);
    expect(await counted('failed')).toBe(1);
  });
});

describe('attributor: containers that are not known yet', () => {
  it('holds events and passes them on, in order, when the container becomes known', async () => {
    stage.answers.set(82n, pending);
    attributor.onEvent(execOf(init, 1n, '/bin/sh'));
    attributor.onEvent(forkOf(init, 2n, child));
    attributor.onEvent(execOf(child, 3n, '/bin/nc', init));
    attributor.onEvent(connectOf(child, 4n));
    attributor.onEvent(exitOf(child, 5n));
    expect(emitted).toEqual([]);
    expect(attributor.heldCount).toBe(3);
    stage.settle(82n, known);
    await Promise.resolve();
    expect(summary()).toEqual(['1 late', '3 late', '4 late']);
    expect(attributor.heldCount).toBe(0);
    expect(emitted[2]?.execution).toMatchObject({ pid: 101, containerId: id, endKtimeNs: 5n, parent: { pid: 100 } });
    attributor.onEvent(capabilityOf(init, 6n));
    expect(summary().at(-1)).toBe('6 complete');
  });

  it('keeps the order of a container whose events become known between two of them', () => {
    stage.answers.set(82n, pending);
    attributor.onEvent(execOf(init, 1n, '/bin/sh'));
    stage.answers.set(82n, known);
    attributor.onEvent(capabilityOf(init, 2n));
    expect(summary()).toEqual(['1 late', '2 complete']);
  });

  it('keeps the order when first the path of the cgroup and then the container becomes known', async () => {
    attributor.onEvent(execOf(init, 1n, '/bin/sh'));
    stage.answers.set(82n, pending);
    attributor.onEvent(capabilityOf(init, 2n));
    stage.settle(82n, known);
    await Promise.resolve();
    expect(summary()).toEqual(['1 late', '2 late']);
  });

  it('does not make other containers wait', () => {
    stage.answers.set(82n, pending);
    stage.answers.set(83n, { state: 'container', container: containerOf(other, 83n) });
    attributor.onEvent(execOf(init, 1n, '/bin/sh'));
    attributor.onEvent(execOf(elsewhere, 2n, '/bin/sh'));
    expect(summary()).toEqual(['2 complete']);
  });

  it('reports what it knows when nobody answers in time, and goes on so', () => {
    stage.answers.set(82n, pending);
    attributor.onEvent(execOf(init, 1n, '/bin/sh'));
    nowMs = 1999;
    attributor.tick();
    expect(emitted).toEqual([]);
    nowMs = 2000;
    attributor.tick();
    expect(summary()).toEqual(['1 partial container image posture']);
    expect(emitted[0]?.container).toMatchObject({ id, name: id.slice(0, 12), runtime: 'unknown', image: undefined });
    expect(emitted[0]?.execution).toMatchObject({ containerId: id });
  });

  it('reports events of a cgroup that nobody ever heard of', () => {
    attributor.onEvent(connectOf(init, 1n));
    nowMs = 2000;
    attributor.tick();
    expect(summary()).toEqual(['1 partial container image posture process']);
    expect(emitted[0]?.container.id).toBe('cgroup-82');
  });

  it('drops held events that turn out to be of no container', async () => {
    attributor.onEvent(execOf(init, 1n, '/bin/sh'));
    stage.settle(82n, { state: 'not-container' });
    await Promise.resolve();
    expect(emitted).toEqual([]);
    expect(await counted('not-container')).toBe(1);
  });

  it('lets the container that waits longest go on when too many events wait', async () => {
    attributor.close();
    const losses: Loss[] = [];
    attributor = create({ maxHeld: 3, onLoss: (loss) => losses.push(loss) });
    stage.answers.set(82n, pending);
    stage.answers.set(83n, { state: 'pending', containerId: other });
    attributor.onEvent(execOf(init, 1n, '/bin/sh'));
    attributor.onEvent(execOf(elsewhere, 2n, '/bin/sh'));
    attributor.onEvent(capabilityOf(init, 3n));
    attributor.onEvent(capabilityOf(elsewhere, 4n));
    expect(summary()).toEqual(['1 partial container image posture', '3 partial container image posture']);
    expect(attributor.heldCount).toBe(2);
    expect(await counted('forced')).toBe(2);
    const told = { hop: 'attribution', type: 'event', reason: 'forced', count: 2n, fromKtimeNs: 1n, toKtimeNs: 3n };
    expect(losses).toMatchObject([told]);
  });

  it('reports everything that waits when it is closed', () => {
    stage.answers.set(82n, pending);
    attributor.onEvent(execOf(init, 1n, '/bin/sh'));
    attributor.close();
    expect(summary()).toEqual(['1 partial container image posture']);
  });
});

it('names the remote end of a connection by the answer that came before it', () => {
  stage.answers.set(82n, known);
  attributor.onEvent(execOf(init, 1n, '/app'));
  const answers = [dnsAnswer('db.example', 1, [10, 0, 0, 7], 60)];
  attributor.onEvent(segmentOf(init, 2n, dnsMessage({ question: 'db.example', answers })));
  attributor.onEvent(connectOf(init, 3n));
  expect(emitted.map(({ event }) => event.kind)).toEqual(['exec', 'dns', 'connect']);
  expect(emitted[2]?.event).toMatchObject({ remoteAddress: '10.0.0.7', remoteNames: ['db.example'] });
});
