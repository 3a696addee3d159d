import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../../common/errors.ts';
import { silentLogger } from '../../../common/logger.ts';
import { Metrics } from '../../../common/metrics.ts';
import { Container, ContainerState } from '../../../proto/generated/tallyman/v1/container.ts';
import { Finding, Severity } from '../../../proto/generated/tallyman/v1/finding.ts';
import type { Item } from '../../../proto/generated/tallyman/v1/uplink.ts';
import { unknownPapers } from '../../correlate/unknown-papers.ts';
import type { Store, StoredAlert, StoredRepeats } from '../store.ts';
import { createSqliteStore } from './sqlite-store.ts';
import type { StoreBounds } from './tables.ts';

let directory: string;
let file: string;
let stores: Store[];
const node = { name: 'node-1', bootId: 'b', kernelRelease: '6.18', architecture: 'x86_64', osName: 'Debian' };
const source = { agentId: 'agent-1', epoch: 1_795_000_000_000_000_000n, node };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-store-'));
  file = join(directory, 'data', 'collector.db');
  stores = [];
});
afterEach(() => {
  for (const store of stores) store.close();
  rmSync(directory, { recursive: true, force: true });
});

function open(bounds: Partial<StoreBounds> = {}): Store {
  const store = createSqliteStore({
    file,
    bounds,
    busyTimeoutMs: 50,
    logger: silentLogger,
    metrics: new Metrics('collector'),
  });
  stores.push(store);
  return store;
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof CodedError) return thrown.code;
    throw thrown;
  }
  return 'nothing was thrown';
}

const gapItem = (reason: string): Item => ({
  item: {
    $case: 'gap',
    value: {
      ...{ hop: 'decode', type: 'exec', count: 1n, fromUnixNs: 1n, toUnixNs: 2n, containerIds: [], reason },
      ...{ ongoing: false, totalCount: 1n },
    },
  },
});

const alert = (alertId: string, change: Partial<StoredAlert> = {}): StoredAlert => ({
  alertId,
  timeUnixMs: 1_000,
  severity: 'high',
  ruleId: 'exec-drift',
  namespace: 'docker',
  nodeName: 'node-1',
  containerId: 'c1',
  imageReference: 'app:1',
  subject: 'tallyman.v1.alerts.default.docker.high.exec-drift',
  traceparent: '00-1-2-01',
  cloudEvent: `{"id":"${alertId}"}`,
  ...change,
});

const container = (id: string, change: Partial<Container> = {}): Container =>
  Container.fromPartial({ id, name: `name-${id}`, state: ContainerState.RUNNING, ...change });

describe('inbox', () => {
  it('keeps batches in order and drops what it has', () => {
    const store = open();
    expect(store.storeBatch(source, 1n, [gapItem('a'), gapItem('b')], 5)).toBe(1n);
    expect(store.storeBatch(source, 3n, [gapItem('too early')], 5)).toBe(1n);
    expect(store.storeBatch(source, 1n, [gapItem('again')], 5)).toBe(1n);
    expect(store.storeBatch(source, 2n, [gapItem('c')], 6)).toBe(2n);
    const read = store.readInbox(0, 10);
    expect(read.map(({ item }) => item)).toEqual([gapItem('a'), gapItem('b'), gapItem('c')]);
    expect(read[0]).toMatchObject({ node, agentId: 'agent-1', receivedAtUnixMs: 5 });
    expect(store.readInbox(read[1]?.inboxId ?? 0, 10)).toHaveLength(1);
    expect(store.inboxSize()).toBe(3);
  });

  it('counts agents and epochs apart, up to the largest numbers', () => {
    const store = open();
    const last = 2n ** 63n - 1n;
    store.storeBatch(source, 1n, [], 1);
    expect(store.acknowledgedSequence('agent-1', source.epoch)).toBe(1n);
    expect(store.acknowledgedSequence('agent-1', source.epoch + 1n)).toBe(0n);
    expect(store.acknowledgedSequence('agent-2', source.epoch)).toBe(0n);
    expect(store.storeBatch({ ...source, epoch: last }, 1n, [], 1)).toBe(1n);
    expect(store.acknowledgedSequence('agent-1', last)).toBe(1n);
  });

  it('survives a process that is killed, and finishes what was left', () => {
    const script = `
      import { createSqliteStore } from '${join(import.meta.dirname, 'sqlite-store.ts')}';
      import { silentLogger } from '${join(import.meta.dirname, '../../../common/logger.ts')}';
      import { Metrics } from '${join(import.meta.dirname, '../../../common/metrics.ts')}';
      const store = createSqliteStore({ file: '${file}', logger: silentLogger, metrics: new Metrics('collector') });
      const gap = { hop: 'h', type: 't', count: 1n, fromUnixNs: 1n, toUnixNs: 2n, containerIds: [], reason: 'r', ongoing: false, totalCount: 1n };
      const node = ${JSON.stringify(node)};
      for (let n = 1n; n <= 20n; n++)
        store.storeBatch({ agentId: 'a', epoch: 7n, node }, n, [{ item: { $case: 'gap', value: gap } }], 1);
      store.finishInbox([1, 2, 3]);
      process.kill(process.pid, 'SIGKILL');`;
    expect(() => execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' })).toThrow();
    const store = open();
    expect(store.acknowledgedSequence('a', 7n)).toBe(20n);
    expect(store.inboxSize()).toBe(17);
    store.finishInbox(store.readInbox(0, 100).map(({ inboxId }) => inboxId));
    expect(store.inboxSize()).toBe(0);
    store.storeBatch({ agentId: 'a', epoch: 7n, node }, 21n, [gapItem('new')], 1);
    expect(store.readInbox(20, 10)).toHaveLength(1);
  });
});

describe('alerts', () => {
  it('stores each once, filters, and keeps the outbox in order until it is confirmed', () => {
    const store = open();
    store.putContainer(
      'node-1',
      container('c1', {
        image: {
          reference: 'app:1',
          configDigest: 'sha256:c',
          repoDigests: ['r/app@sha256:d'],
          targetDigest: '',
          platform: '',
        },
      }),
      1,
    );
    expect(store.putAlerts([alert('1'), alert('2', { timeUnixMs: 3_000, severity: 'low' })])).toBe(2);
    expect(
      store.putAlerts([alert('2', { cloudEvent: 'changed' }), alert('3', { containerId: 'c2', timeUnixMs: 2_000 })]),
    ).toBe(1);
    expect(store.getAlert('2')?.cloudEvent).toBe('{"id":"2"}');
    const ids = (filter: Parameters<Store['listAlerts']>[0]) => store.listAlerts(filter).map(({ alertId }) => alertId);
    expect(ids({ limit: 10 })).toEqual(['2', '3', '1']);
    expect(ids({ limit: 1 })).toEqual(['2']);
    expect(ids({ limit: 10, severity: 'high', sinceUnixMs: 1_500 })).toEqual(['3']);
    expect(ids({ limit: 10, image: 'app:1' })).toEqual(['2', '3', '1']);
    expect(ids({ limit: 10, image: 'sha256:d' })).toEqual(['2', '1']);
    expect(ids({ limit: 10, image: "' OR 1=1 --" })).toEqual([]);
    expect(store.readOutbox(9).map(({ alertId }) => alertId)).toEqual(['1', '3', '2']);
    store.markPublished(['1', 'nobody'], 9);
    expect(store.outboxSize()).toBe(2);
  });

  it('keeps the highest count of repeats, and its update in the outbox until that is confirmed', () => {
    const store = open();
    const repeats = (count: number, change: Partial<StoredRepeats> = {}): StoredRepeats => ({
      ...{ alertId: '1', count, firstUnixMs: 2_000, lastUnixMs: 3_000, updateEvent: `{"count":${count}}` },
      ...{ publish: true, ...change },
    });
    expect(store.putRepeats(repeats(2))).toBe(false);
    store.putAlerts([alert('1'), alert('2')]);
    expect([2, 2, 1, 5].map((count) => store.putRepeats(repeats(count)))).toEqual([true, false, false, true]);
    expect(store.putRepeats(repeats(4, { alertId: '2', publish: false }))).toBe(true);
    expect(store.outboxSize()).toBe(3);
    const waiting = () => store.readOutbox(9).map(({ alertId, cloudEvent }) => [alertId, cloudEvent]);
    expect(waiting()).toEqual([
      ['1', '{"id":"1"}'],
      ['2', '{"id":"2"}'],
      ['1:repeats:5', '{"count":5}'],
    ]);
    // Confirmed late: a newer one waits by now.
    store.markPublished(['1', '2', '1:repeats:2'], 9);
    expect(waiting()).toEqual([['1:repeats:5', '{"count":5}']]);
    store.markPublished(['1:repeats:5'], 9);
    expect(store.outboxSize()).toBe(0);
    expect(store.getAlert('1')?.repeats).toEqual({ count: 5, firstUnixMs: 2_000, lastUnixMs: 3_000 });
    expect(store.listAlerts({ limit: 9 }).map((one) => one.repeats?.count)).toEqual([4, 5]);
  });

  it('lets a flood of low alerts neither keep a critical one back nor push it out', () => {
    const store = open({ maxAlerts: 1_000 });
    const flood = Array.from({ length: 20_000 }, (_, index) => alert(`low-${index}`, { severity: 'low' }));
    store.putAlerts([alert('worst', { severity: 'critical' }), ...flood]);
    store.putAlerts([alert('late', { severity: 'critical', timeUnixMs: 2_000 })]);
    expect(store.readOutbox(2).map(({ alertId }) => alertId)).toEqual(['worst', 'late']);
    store.markPublished(['worst', ...flood.slice(0, 19_500).map(({ alertId }) => alertId)], 9);
    store.prune(2_000);
    expect(store.getAlert('worst')).toBeDefined();
    expect(store.getAlert('late')).toBeDefined();
    expect(store.listAlerts({ limit: 30_000 })).toHaveLength(1_000);
  });

  it('hands out what is urgent apart', () => {
    const store = open();
    const item = (severity: Severity, id: string): Item => ({
      item: { $case: 'finding', value: Finding.fromPartial({ findingId: id, severity }) },
    });
    store.storeBatch(source, 1n, [gapItem('1'), item(Severity.LOW, 'l'), item(Severity.CRITICAL, 'c')], 1);
    store.storeBatch(source, 2n, [item(Severity.HIGH, 'h'), item(Severity.UNSPECIFIED, 'u')], 1);
    expect(store.readInbox(0, 9, true).map(({ inboxId }) => inboxId)).toEqual([3, 4, 5]);
    expect(store.readInbox(3, 9, true).map(({ inboxId }) => inboxId)).toEqual([4, 5]);
    expect(store.readInbox(0, 9, false).map(({ inboxId }) => inboxId)).toEqual([1, 2]);
    expect(store.readInbox(0, 9)).toHaveLength(5);
  });

  it('prunes published ones by age and count, others only when they alone are too many', () => {
    const store = open({ maxAlerts: 3, maxAlertAgeMs: 1_000 });
    store.putAlerts(['1', '2', '3', '4', '5', '6'].map((id) => alert(id, { timeUnixMs: 10_000 + Number(id) })));
    store.putAlerts([alert('old', { timeUnixMs: 1 }), alert('old-waiting', { timeUnixMs: 1 })]);
    store.markPublished(['2', '3', 'old'], 1);
    expect(store.prune(10_500)).toMatchObject({ alerts: 5, unpublishedAlerts: 2 });
    expect(store.listAlerts({ limit: 10 }).map(({ alertId }) => alertId)).toEqual(['6', '5', 'old-waiting']);
    expect(store.outboxSize()).toBe(3);
    expect(store.prune(10_500)).toMatchObject({ alerts: 0 });
  });
});

describe('containers, observations, nodes', () => {
  it('finds by id, prefix and name, and does not guess', () => {
    const store = open();
    for (const id of ['aa11', 'aa22', 'bb33']) store.putContainer('node-1', container(id), 1);
    store.putContainer('node-2', container('bb33', { state: ContainerState.EXITED }), 2);
    expect(store.getContainer('aa1')?.container.id).toBe('aa11');
    expect(store.getContainer('aa')).toBeUndefined();
    expect(store.getContainer('')).toBeUndefined();
    expect(store.getContainer('%')).toBeUndefined();
    expect(
      store
        .findContainers('aa', 9)
        .map((one) => one.container.id)
        .sort(),
    ).toEqual(['aa11', 'aa22']);
    expect(store.findContainers('name-aa22', 9)).toHaveLength(1);
    expect(store.findContainers('bb33', 9).map((one) => one.nodeName)).toEqual(['node-1', 'node-2']);
  });

  it('forgets exited containers after a day with what was seen of them, and keeps running ones', () => {
    const day = 24 * 3_600_000;
    const store = open();
    store.putContainer('node-1', container('gone', { state: ContainerState.EXITED }), 1);
    store.putContainer('node-1', container('runs'), 1);
    const seen = { nodeName: 'node-1', kind: 'executed', fact: '{}', firstSeenUnixMs: 1, lastSeenUnixMs: 1 } as const;
    store.putObservations([
      { ...seen, containerId: 'gone' },
      { ...seen, containerId: 'runs' },
    ]);
    expect(store.prune(day)).toMatchObject({ containers: 0, observations: 0 });
    expect(store.prune(day + 2)).toMatchObject({ containers: 1, observations: 1 });
    expect(store.listContainers().map((one) => one.container.id)).toEqual(['runs']);
    expect(store.listObservations('node-1', 'runs')).toHaveLength(1);
  });

  it('keeps one row per fact and refuses more than a container may have', () => {
    const store = open({ maxObservationsPerContainer: 2 });
    const seen = (fact: string, at: number) =>
      ({ nodeName: 'n', containerId: 'c', kind: 'executed', fact, firstSeenUnixMs: at, lastSeenUnixMs: at }) as const;
    expect(store.putObservations([seen('a', 5), seen('a', 3), seen('a', 9), seen('b', 1), seen('c', 1)])).toBe(1);
    expect(store.listObservations('n', 'c')).toEqual([{ ...seen('b', 1) }, { ...seen('a', 3), lastSeenUnixMs: 9 }]);
  });

  it('keeps the status of a node when the next report has none', () => {
    const store = open();
    const status = { hooks: { exec: 'tp_btf' }, runtimes: ['docker'], containersWatched: 3 };
    store.putNode(node, 'agent-1', status, 1);
    store.putNode(node, 'agent-1', undefined, 2);
    expect(store.listNodes()).toEqual([{ node, agentId: 'agent-1', status, lastSeenUnixMs: 2 }]);
  });
});

describe('papers and documents', () => {
  it('gives back what was put, and lets the least recently used go first', () => {
    const store = open({ maxPapers: 1, maxDocumentsBytes: 60, maxDocumentBytes: 1_000 });
    const papers = unknownPapers(undefined, 'why', 1);
    store.putPapers('one', papers);
    store.putPapers('two', papers);
    expect(store.getPapers('two')).toEqual(JSON.parse(JSON.stringify(papers)));
    store.putDocument('sha256:1', 'application/json', Buffer.alloc(900, 'x'));
    store.putDocument('sha256:empty', 'application/json', Buffer.alloc(0));
    store.putDocument('sha256:large', 'application/json', Buffer.alloc(1_001));
    expect(store.getDocument('sha256:large')).toBeUndefined();
    expect(store.getDocument('sha256:empty')).toHaveLength(0);
    expect(Buffer.from(store.getDocument('sha256:1') ?? []).equals(Buffer.alloc(900, 'x'))).toBe(true);
    store.putDocument('sha256:2', 'application/json', randomBytes(500));
    expect(store.prune(1)).toMatchObject({ papers: 1, documents: 1 });
    expect(store.getDocument('sha256:2')).toBeUndefined();
    expect(store.getDocument('sha256:1')).toBeDefined();
  });
});

describe('a file that cannot be used', () => {
  it('is refused with a reason when its schema is newer', () => {
    open().close();
    const raw = new Database(file);
    raw.pragma('user_version = 999');
    raw.close();
    expect(codeOf(open)).toBe('store-newer-schema');
  });

  it('is refused when it is damaged, text, or of another program', () => {
    const store = open();
    for (let n = 1n; n <= 50n; n++) store.storeBatch(source, n, [gapItem('x'.repeat(500))], 1);
    store.close();
    const handle = openSync(file, 'r+');
    for (let page = 2; page < statSync(file).size / 4096; page++)
      writeSync(handle, Buffer.alloc(2048, 0xa5), 0, 2048, page * 4096);
    expect(codeOf(open)).toBe('store-corrupt');
    writeSync(handle, Buffer.alloc(4096, 'no database '), 0, 4096, 0);
    expect(codeOf(open)).toBe('store-corrupt');
    closeSync(handle);
    rmSync(file);
    const other = new Database(file);
    other.exec('CREATE TABLE mine (a)');
    other.close();
    expect(codeOf(open)).toBe('store-corrupt');
  });

  it('is refused while another collector has it', () => {
    open();
    expect(codeOf(open)).toBe('store-in-use');
  });

  it('is refused where a directory cannot be made', () => {
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'a file');
    expect(codeOf(open)).toBe('store-unwritable');
  });

  it('is private to the collector', () => {
    open();
    chmodSync(directory, 0o755);
    expect(statSync(file).mode & 0o077).toBe(0);
  });
});

it('refuses writes when full, loses nothing, and goes on when there is room', () => {
  const store = open({ maxDatabaseBytes: 512 * 1024 });
  let stored = 0n;
  let full = '';
  while (full === '' && stored < 1_000n)
    try {
      stored = store.storeBatch(source, stored + 1n, [gapItem('x'.repeat(8_000))], 1);
    } catch (thrown) {
      full = thrown instanceof CodedError ? thrown.code : 'other';
    }
  expect(full).toBe('store-disk-full');
  expect(stored).toBeGreaterThan(10n);
  expect(store.acknowledgedSequence(source.agentId, source.epoch)).toBe(stored);
  expect(store.inboxSize()).toBe(Number(stored));
  store.putDocument('sha256:d', 'x', randomBytes(100_000));
  expect(store.getDocument('sha256:d')).toBeUndefined();
  store.finishInbox(store.readInbox(0, 10).map(({ inboxId }) => inboxId));
  expect(store.storeBatch(source, stored + 1n, [gapItem('y')], 1)).toBe(stored + 1n);
});
