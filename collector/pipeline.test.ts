import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../common/errors.ts';
import { silentLogger } from '../common/logger.ts';
import { Metrics } from '../common/metrics.ts';
import { Container } from '../proto/generated/tallyman/v1/container.ts';
import { Finding, Severity } from '../proto/generated/tallyman/v1/finding.ts';
import type { Item } from '../proto/generated/tallyman/v1/uplink.ts';
import { eventually } from '../test/support/eventually.ts';
import { unknownPapers } from './correlate/unknown-papers.ts';
import type { Alert, CorrelatedFinding, Decision } from './decide/alert.ts';
import { createPipeline, type Pipeline, type PipelineOptions } from './pipeline.ts';
import { createSqliteStore } from './store/sqlite/sqlite-store.ts';
import type { Store } from './store/store.ts';

const node = { name: 'node-1', bootId: '', kernelRelease: '', architecture: '', osName: '' };
const source = { agentId: 'agent-1', epoch: 1n, node };
let directory: string;
let store: Store;
let pipelines: Pipeline[];
let sequence: bigint;
/** What reached the publisher, in order. */
let published: string[];
let alerts: Alert[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-pipeline-'));
  store = createSqliteStore({ file: join(directory, 'c.db'), logger: silentLogger, metrics: new Metrics('collector') });
  pipelines = [];
  sequence = 0n;
  published = [];
  alerts = [];
});
afterEach(async () => {
  for (const pipeline of pipelines) await pipeline.close(0);
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

const finding = (findingId: string, containerId: string, severity: Severity = Severity.MEDIUM): Item => ({
  item: {
    $case: 'finding',
    value: Finding.fromPartial({
      findingId,
      ruleId: 'r',
      severity,
      event: { kind: 'exec', timeUnixNs: 10n ** 18n },
      container: { id: containerId },
    }),
  },
});
const repeats = (findingId: string, containerId: string, severity: Severity = Severity.MEDIUM): Item => ({
  item: {
    $case: 'findingRepeats',
    value: { findingId, ruleId: 'r', containerId, severity, count: 7n, firstUnixNs: 1n, lastUnixNs: 2n },
  },
});
const ended = (containerId: string, executionId: string): Item => ({
  item: {
    $case: 'executionEnded',
    value: { containerId, executionId, endUnixNs: 1n, exitCode: 0, exitSignal: 0, coreDumped: false },
  },
});

function receive(...items: Item[]): void {
  store.storeBatch(source, ++sequence, items, 1_000);
}

const correlated = (value: Finding): CorrelatedFinding => ({
  finding: value,
  node,
  receivedAtUnixMs: 1_000,
  papers: unknownPapers(undefined, 'test', 1),
  ownership: undefined,
});
const decision: Decision = { action: 'alert', severity: 'medium', score: 50, reasons: [], policyVersion: 'p@1' };

function run(change: Partial<PipelineOptions> = {}): Pipeline {
  const pipeline = createPipeline({
    store,
    baselines: { learn: () => undefined, flush: () => undefined, alerted: () => undefined },
    correlator: { correlate: async (value) => correlated(value), prefetch: () => undefined },
    decide: () => decision,
    publisher: {
      publish: (list) => {
        alerts.push(...list);
        published.push(...list.map(({ alertId }) => alertId));
      },
      executionEnded: ({ executionId }) => published.push(`end of ${executionId}`),
      repeated: ({ findingId, count }) => published.push(`${count} more of ${findingId}`),
    },
    cluster: 'default',
    logger: silentLogger,
    metrics: new Metrics('collector'),
    ...change,
  });
  pipelines.push(pipeline);
  pipeline.start();
  return pipeline;
}

const workedOff = () => eventually(() => expect(store.inboxSize()).toBe(0));

describe('pipeline', () => {
  it('publishes what an earlier run left, keeps the order of each container, and empties the inbox', async () => {
    receive(finding('a1', 'a'), finding('b1', 'b'), ended('a', 'x'));
    receive(finding('a2', 'a'));
    run({
      correlator: {
        prefetch: () => undefined,
        correlate: async (value) => {
          await new Promise((resolve) => setTimeout(resolve, value.findingId === 'a1' ? 30 : 1));
          return correlated(value);
        },
      },
    });
    await workedOff();
    expect(published.filter((one) => one !== 'b1')).toEqual(['a1', 'end of x', 'a2']);
    expect(published.indexOf('b1')).toBe(0);
  });

  it('tells of repeats after the alert they repeat, for urgent ones as well', async () => {
    receive(finding('a1', 'a'), repeats('a1', 'a'));
    receive(finding('b1', 'b', Severity.CRITICAL), repeats('b1', 'b', Severity.CRITICAL));
    run({
      correlator: {
        prefetch: () => undefined,
        correlate: async (value) => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          return correlated(value);
        },
      },
    });
    await workedOff();
    expect(published.toSorted()).toEqual(['7 more of a1', '7 more of b1', 'a1', 'b1']);
    for (const id of ['a1', 'b1']) expect(published.indexOf(`7 more of ${id}`)).toBeGreaterThan(published.indexOf(id));
  });

  it('lets a critical finding wait for none of a flood of low ones, of its own container either', async () => {
    const flood = Array.from({ length: 2_000 }, (_, n) => finding(`f${n}`, `c${n % 200}`, Severity.LOW));
    receive(...flood);
    receive(finding('worst', 'c0', Severity.CRITICAL));
    let open: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      open = resolve;
    });
    run({
      correlator: {
        prefetch: () => undefined,
        correlate: async (value) => {
          if (value.severity === Severity.LOW) await held;
          return correlated(value);
        },
      },
    });
    await eventually(() => expect(published).toEqual(['worst']));
    open();
    await workedOff();
    expect(published).toHaveLength(2_001);
  });

  it('works on at most so many findings at once', async () => {
    let running = 0;
    let most = 0;
    receive(...Array.from({ length: 100 }, (_, n) => finding(`f${n}`, `c${n}`)));
    run({
      maxConcurrentFindings: 7,
      correlator: {
        prefetch: () => undefined,
        correlate: async (value) => {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, 1));
          running--;
          return correlated(value);
        },
      },
    });
    await workedOff();
    expect(published).toHaveLength(100);
    expect(most).toBe(7);
  });

  it('holds no more items than it may, however many wait', async () => {
    receive(...Array.from({ length: 300 }, (_, n) => finding(`f${n}`, 'c')));
    const waiting: (() => void)[] = [];
    const pipeline = run({
      maxOutstandingItems: 10,
      correlator: {
        prefetch: () => undefined,
        correlate: (value) => new Promise((resolve) => waiting.push(() => resolve(correlated(value)))),
      },
    });
    const worked = eventually(() => {
      expect(pipeline.outstanding()).toBeLessThanOrEqual(10);
      for (const release of waiting.splice(0)) release();
      expect(published).toHaveLength(300);
    });
    await worked;
  });

  it('leaves findings in the inbox until they are in the outbox, and tries again while the store fails', async () => {
    let isFull = true;
    receive(finding('a', 'c'), finding('b', 'c'));
    const pipeline = run({
      publisher: {
        publish: (list) => {
          if (isFull) throw new CodedError('store-disk-full', 'no space left');
          published.push(...list.map(({ alertId }) => alertId));
        },
        executionEnded: () => undefined,
        repeated: () => undefined,
      },
    });
    await eventually(() => expect(pipeline.failing()).toContain('no space'));
    expect(store.inboxSize()).toBe(2);
    isFull = false;
    await workedOff();
    expect(published).toEqual(['a', 'b']);
    expect(pipeline.failing()).toBeUndefined();
  });

  it('keeps what it could not do when it is closed, for the next start', async () => {
    receive(finding('a', 'c'));
    const first = run({
      publisher: {
        publish: () => {
          throw new CodedError('store-disk-full', 'no space left');
        },
        executionEnded: () => undefined,
        repeated: () => undefined,
      },
    });
    await eventually(() => expect(first.failing()).toBeDefined());
    await first.close(0);
    expect(store.inboxSize()).toBe(1);
    run();
    await workedOff();
    expect(published).toEqual(['a']);
  });

  it('publishes nothing any more once it is closed', async () => {
    receive(finding('a', 'c'));
    let release: (() => void) | undefined;
    const pipeline = run({
      correlator: {
        prefetch: () => undefined,
        correlate: (value) =>
          new Promise((resolve) => {
            release = () => resolve(correlated(value));
          }),
      },
    });
    await eventually(() => expect(release).toBeDefined());
    await pipeline.close(0);
    release?.();
    await eventually(() => expect(pipeline.outstanding()).toBe(0));
    expect([published, store.inboxSize()]).toEqual([[], 1]);
  });

  it('publishes a finding although its papers or the policy fail, and says what is missing', async () => {
    receive(finding('a', 'c'));
    run({
      correlator: { prefetch: () => undefined, correlate: () => Promise.reject(new Error('registry client broke')) },
      decide: () => {
        throw new Error('policy broke');
      },
    });
    await workedOff();
    expect(alerts[0]?.correlated.papers.signature).toMatchObject({
      outcome: 'unknown',
      reason: 'registry client broke',
    });
    expect(alerts[0]?.decision).toMatchObject({ action: 'alert', severity: 'medium' });
    expect(JSON.stringify(alerts[0]?.decision.reasons)).toContain('policy broke');
  });

  it('does not let one alert that cannot be published take its neighbours with it', async () => {
    receive(finding('a', 'c1'), finding('bad', 'c2'), finding('b', 'c3'));
    const pipeline = run({
      publisher: {
        publish: (list) => {
          if (list.some(({ alertId }) => alertId === 'bad')) throw new RangeError('cannot be formatted');
          published.push(...list.map(({ alertId }) => alertId));
        },
        executionEnded: () => undefined,
        repeated: () => undefined,
      },
    });
    await workedOff();
    expect(published).toEqual(['a', 'b']);
    expect(pipeline.gaps()).toMatchObject([
      {
        nodeName: 'node-1',
        gap: { hop: 'publish', type: 'finding', count: 1n, containerIds: ['c2'], reason: 'cannot be formatted' },
      },
    ]);
  });

  it('keeps containers, observations, node status and gaps', async () => {
    const image = { reference: 'app:1', repoDigests: [], configDigest: '', targetDigest: '', platform: '' };
    const prefetched: string[] = [];
    receive(
      {
        item: {
          $case: 'containerUpdate',
          value: { container: Container.fromPartial({ id: 'c', name: 'web', image }) },
        },
      },
      {
        item: {
          $case: 'observation',
          value: {
            containerId: 'c',
            firstSeenUnixNs: 5_000_000n,
            origin: 0,
            fact: {
              $case: 'connected',
              value: { transport: 'tcp', remotePort: 1, remoteAddress: '::1', remoteNames: [], executablePath: '' },
            },
          },
        },
      },
      {
        item: {
          $case: 'agentStatus',
          value: { hooks: { exec: 'tp_btf' }, runtimes: ['docker'], containersWatched: 1 },
        },
      },
      {
        item: {
          $case: 'gap',
          value: {
            hop: 'ring-buffer',
            type: 'exec',
            count: 9n,
            fromUnixNs: 1n,
            toUnixNs: 2n,
            containerIds: [],
            reason: 'full',
            ...{ ongoing: false, totalCount: 9n },
          },
        },
      },
      { item: undefined },
    );
    const metrics = new Metrics('collector');
    const pipeline = run({
      metrics,
      correlator: {
        correlate: async (value) => correlated(value),
        prefetch: (container) => prefetched.push(container.id),
      },
    });
    await workedOff();
    expect(store.getContainer('c')?.container.name).toBe('web');
    expect(prefetched).toEqual(['c']);
    expect(store.listObservations('node-1', 'c')).toMatchObject([
      {
        kind: 'connected',
        fact: '{"executablePath":"","remoteAddress":"::1","remoteNames":[],"remotePort":1,"transport":"tcp"}',
        firstSeenUnixMs: 5,
        lastSeenUnixMs: 1_000,
      },
    ]);
    expect(store.listNodes()[0]?.status?.containersWatched).toBe(1);
    expect(pipeline.gaps().map(({ gap }) => [gap.hop, gap.count])).toContainEqual(['ring-buffer', 9n]);
    expect(await metrics.registry.metrics()).toContain(
      'tallyman_collector_gaps_lost_total{hop="ring-buffer",type="exec"} 9',
    );
  });

  it('knows the container of a finding although its own report was lost, and does not overwrite a newer one', async () => {
    store.putContainer('node-1', Container.fromPartial({ id: 'known', name: 'newer' }), 1);
    receive(finding('a', 'known'), finding('b', 'new'));
    run();
    await workedOff();
    expect(store.getContainer('known')?.container.name).toBe('newer');
    expect(store.getContainer('new')).toBeDefined();
  });
});
