import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UplinkItem } from '../../agent/uplink/sender.ts';
import { createUplink, type Uplink, type UplinkOptions } from '../../agent/uplink/uplink.ts';
import { createIngest, type Ingest, type IngestOptions } from '../../collector/ingest/server.ts';
import { createSqliteStore } from '../../collector/store/sqlite/sqlite-store.ts';
import type { Store } from '../../collector/store/store.ts';
import { CodedError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import { eventually } from '../support/eventually.ts';

const node = { name: 'node-1', bootId: '', kernelRelease: '', architecture: '', osName: '' };
let directory: string;
let closers: (() => unknown)[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-uplink-'));
  closers = [];
});
afterEach(async () => {
  for (const close of closers.toReversed()) await close();
  rmSync(directory, { recursive: true, force: true });
});

function openStore(): Store {
  const store = createSqliteStore({
    file: join(directory, 'collector.db'),
    logger: silentLogger,
    metrics: new Metrics('collector'),
  });
  closers.push(() => store.close());
  return store;
}

async function serve(
  store: IngestOptions['store'],
  listenAddress = '127.0.0.1:0',
  change: Partial<IngestOptions> = {},
): Promise<{ ingest: Ingest; address: string }> {
  const ingest = createIngest({
    listenAddress,
    store,
    logger: silentLogger,
    metrics: new Metrics('collector'),
    ...change,
  });
  const address = await ingest.start();
  closers.push(() => ingest.close());
  return { ingest, address };
}

function connect(address: string, change: Partial<UplinkOptions> = {}): Uplink {
  const uplink = createUplink({
    address,
    node,
    agentId: 'agent-1',
    epoch: 5n,
    backoff: { initialMs: 5, maxMs: 20 },
    logger: silentLogger,
    metrics: new Metrics('agent'),
    ...change,
  });
  closers.push(() => uplink.close(0));
  uplink.start();
  return uplink;
}

const finding = (n: number): UplinkItem => ({
  $case: 'finding',
  value: Finding.fromPartial({
    findingId: `f-${n}`,
    ruleId: 'a-rule',
    severity: 3,
    event: { kind: 'exec', timeUnixNs: 1_795_000_000_000_000_000n },
    container: { id: `c-${n % 7}` },
  }),
});

const observation = (n: number): UplinkItem => ({
  $case: 'observation',
  value: {
    containerId: 'c-1',
    firstSeenUnixNs: 1_795_000_000_000_000_000n,
    fact: { $case: 'executed', value: { executablePath: `/bin/${n}`, argumentShape: '', layer: 0 } },
    origin: 0,
  },
});

function storedIds(store: Store): string[] {
  return store
    .readInbox(0, 100_000)
    .flatMap(({ item: { item } }) => (item?.$case === 'finding' ? [item.value.findingId] : []));
}

const delivered = (uplink: Uplink) => eventually(() => expect(uplink.pendingItems).toBe(0));
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('agent to collector', () => {
  it('delivers findings, container updates and observations once and in order', async () => {
    const store = openStore();
    const { address } = await serve(store);
    const uplink = connect(address);
    for (const n of numbers(1_000)) uplink.send(n % 2 === 0 ? finding(n) : observation(n));
    await delivered(uplink);
    expect(storedIds(store)).toEqual(numbers(500).map((n) => `f-${2 * n}`));
    expect(store.inboxSize()).toBe(1_000);
  });

  it('loses and doubles nothing when the collector goes away in the middle, again and again', async () => {
    let store = openStore();
    let { ingest, address } = await serve(store);
    const uplink = connect(address, { maxInFlightBatches: 4 });
    for (let round = 0; round < 5; round++) {
      for (const n of numbers(200)) {
        uplink.send(finding(round * 200 + n));
        if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await ingest.close();
      store.close();
      store = openStore();
      ({ ingest, address } = await serve(store, address));
    }
    await delivered(uplink);
    expect(storedIds(store)).toEqual(numbers(1_000).map((n) => `f-${n}`));
  });

  it('does not double what was stored when only the acknowledgement was lost', async () => {
    const real = openStore();
    let failures = 3;
    const store: IngestOptions['store'] = {
      inboxSize: () => real.inboxSize(),
      acknowledgedSequence: (agentId, epoch) => real.acknowledgedSequence(agentId, epoch),
      storeBatch: (...batch) => {
        const acknowledged = real.storeBatch(...batch);
        if (failures-- > 0) throw new CodedError('store-io', 'stored, and then the answer was lost');
        return acknowledged;
      },
    };
    const { address } = await serve(store);
    const uplink = connect(address);
    for (const n of numbers(20)) {
      uplink.send(finding(n));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await delivered(uplink);
    expect(storedIds(real)).toEqual(numbers(20).map((n) => `f-${n}`));
  });

  it('goes on when the disk has room again', async () => {
    const real = openStore();
    let isFull = true;
    const store: IngestOptions['store'] = {
      inboxSize: () => real.inboxSize(),
      acknowledgedSequence: (agentId, epoch) => real.acknowledgedSequence(agentId, epoch),
      storeBatch: (...batch) => {
        if (isFull) throw new CodedError('store-disk-full', 'no space left');
        return real.storeBatch(...batch);
      },
    };
    const { ingest, address } = await serve(store);
    const uplink = connect(address);
    for (const n of numbers(50)) uplink.send(finding(n));
    await eventually(() => expect(ingest.failing()).toContain('no space left'));
    expect(uplink.pendingItems).toBe(50);
    isFull = false;
    await delivered(uplink);
    expect(ingest.failing()).toBeUndefined();
    expect(storedIds(real)).toHaveLength(50);
  });

  it('is held back while the inbox is full, and goes on when it is worked off', async () => {
    const store = openStore();
    const { ingest, address } = await serve(store, undefined, { maxInboxItems: 64 });
    const uplink = connect(address, { maxInFlightBatches: 2 });
    for (const n of numbers(600)) {
      uplink.send(finding(n));
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => expect(store.inboxSize()).toBeGreaterThanOrEqual(64));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(store.inboxSize()).toBeLessThan(600);
    expect(uplink.pendingItems).toBeGreaterThan(0);
    const seen: string[] = [];
    await eventually(() => {
      seen.push(...storedIds(store));
      store.finishInbox(store.readInbox(0, 100_000).map(({ inboxId }) => inboxId));
      ingest.inboxDrained();
      expect(uplink.pendingItems).toBe(0);
    });
    seen.push(...storedIds(store));
    expect(seen).toEqual(numbers(600).map((n) => `f-${n}`));
  });

  it('tells of every item that had to give way, with exact counts', async () => {
    const store = openStore();
    const { ingest, address } = await serve(store);
    await ingest.close();
    const uplink = connect(address, { maxQueueItems: 100 });
    const accepted = numbers(150).filter((n) => uplink.send(observation(n))).length;
    for (const n of numbers(120)) uplink.send(finding(n));
    expect(accepted).toBe(150);
    await serve(store, address);
    await delivered(uplink);
    const items = store.readInbox(0, 1_000).map(({ item: { item } }) => item);
    const gaps = items.flatMap((item) => (item?.$case === 'gap' ? [item.value] : []));
    expect(gaps.map(({ hop, type, count, reason }) => ({ hop, type, count, reason }))).toEqual([
      { hop: 'uplink-queue', type: 'observation', count: 150n, reason: 'queue-full' },
      { hop: 'uplink-queue', type: 'finding', count: 20n, reason: 'queue-full' },
    ]);
    expect(storedIds(store)).toEqual(numbers(100).map((n) => `f-${n}`));
  });

  it('starts anew with a collector that lost its memory, and keeps what was not acknowledged', async () => {
    const first = openStore();
    const { ingest, address } = await serve(first);
    const uplink = connect(address);
    uplink.send(finding(1));
    await delivered(uplink);
    await ingest.close();
    uplink.send(finding(2));
    first.close();
    rmSync(join(directory, 'collector.db'));
    const second = openStore();
    await serve(second, address);
    uplink.send(finding(3));
    await delivered(uplink);
    expect(storedIds(second)).toEqual(['f-2', 'f-3']);
  });

  it('tells an agent that started again apart from the one before', async () => {
    const store = openStore();
    const { address } = await serve(store);
    const before = connect(address, { epoch: 1n });
    before.send(finding(1));
    await delivered(before);
    expect(await before.close(1_000)).toEqual({ undeliveredItems: 0 });
    const after = connect(address, { epoch: 2n });
    after.send(finding(2));
    await delivered(after);
    expect(storedIds(store)).toEqual(['f-1', 'f-2']);
  });

  it('delivers on close what is there, and says what it could not', async () => {
    const store = openStore();
    const { ingest, address } = await serve(store);
    const uplink = connect(address);
    uplink.send(observation(1));
    expect(await uplink.close(5_000)).toEqual({ undeliveredItems: 0 });
    expect(uplink.send(finding(1))).toBe(false);
    expect(store.inboxSize()).toBe(1);
    await ingest.close();
    const late = connect(address);
    late.send(finding(2));
    expect(await late.close(20)).toEqual({ undeliveredItems: 1 });
  });
});
