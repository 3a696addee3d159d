import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Finding, Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import { ConnectRequest, type Gap, Item } from '../../proto/generated/tallyman/v1/uplink.ts';
import { GapLedger } from './gap-ledger.ts';
import { InFlight } from './in-flight.ts';
import { ItemQueue, type ItemType, type WaitingItem } from './item-queue.ts';
import { maxBatchBytes, Outbound } from './outbound.ts';
import type { UplinkItem } from './sender.ts';
import { createUplink } from './uplink.ts';
import { createUplinkMetrics } from './uplink-metrics.ts';
import { encodeBatch, encodeItem } from './wire.ts';

/** Least important first. */
const kinds: [ItemType, Severity?][] = [
  ['observation'],
  ['agentStatus'],
  ['executionEnded'],
  ['findingRepeats'],
  ['finding', Severity.INFO],
  ['finding', Severity.LOW],
  ['containerUpdate'],
  ['gap'],
  ['finding', Severity.MEDIUM],
  ['finding', Severity.HIGH],
  ['finding', Severity.CRITICAL],
];
const importance = (item: WaitingItem) =>
  kinds.findIndex(([type, severity]) => type === item.type && severity === item.severity);
/** Whose turn it is: the worst findings before all else, which goes in order. */
const urgencyOf = ({ severity = 0 }: WaitingItem) => (severity >= Severity.HIGH ? severity : 0);

function waiting(type: ItemType, size = 1, severity?: Severity): WaitingItem {
  return { type, severity, bytes: new Uint8Array(size), sentAtUnixNs: 1n, containerId: undefined, gap: undefined };
}

function outbound(change: { maxQueueItems?: number; maxQueueBytes?: number } = {}) {
  let calls = 0;
  const made = new Outbound({
    maxQueueItems: 1_000,
    maxQueueBytes: 8 * 1024 * 1024,
    lingerMs: 1,
    reservedBytes: () => 0,
    due: () => calls++,
    metrics: createUplinkMetrics(new Metrics('agent')),
    ...change,
  });
  return { made, dueCalls: () => calls };
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 5));
const decoded = (items: readonly Uint8Array[]) => items.map((bytes) => Item.decode(bytes).item);
const finding = (change: Parameters<typeof Finding.fromPartial>[0] = {}): UplinkItem => ({
  $case: 'finding',
  value: Finding.fromPartial({ findingId: 'f', severity: Severity.MEDIUM, container: { id: 'c' }, ...change }),
});

describe('ItemQueue', () => {
  it('lets observations go first, the worst findings last, sends those first, and accounts for every item and byte', () => {
    const item = fc.record({ kind: fc.constantFrom(...kinds), size: fc.integer({ min: 0, max: 40 }) });
    const step = fc.oneof({ weight: 4, arbitrary: item }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const lost: WaitingItem[] = [];
        const queue = new ItemQueue({ maxItems: 8, maxBytes: 100, dropped: (one) => lost.push(one) });
        const pushed: WaitingItem[] = [];
        const taken: WaitingItem[] = [];
        for (const one of steps) {
          if (typeof one === 'number') {
            const there = pushed.filter((item) => !lost.includes(item) && !taken.includes(item));
            const turn = there.toSorted((a, b) => urgencyOf(b) - urgencyOf(a)).slice(0, one);
            const next = queue.take(one, 1_000);
            expect(next).toEqual(turn);
            taken.push(...next);
          } else {
            const made = waiting(one.kind[0], one.size, one.kind[1]);
            pushed.push(made);
            const before = lost.length;
            const kept = queue.push(made, 0);
            expect(kept).toBe(!lost.slice(before).includes(made));
            for (const victim of lost.slice(before)) expect(importance(victim)).toBeLessThanOrEqual(importance(made));
          }
          expect(queue.size).toBeLessThanOrEqual(8);
          expect(queue.sizeBytes).toBeLessThanOrEqual(100);
        }
        taken.push(...queue.take(1_000, 100_000));
        expect(queue.sizeBytes).toBe(0);
        expect(taken.length + lost.length).toBe(pushed.length);
        expect(new Set(taken)).toEqual(new Set(pushed.filter((one) => !lost.includes(one))));
      }),
    );
  });

  it('keeps the findings that are there when findings alone are too many', () => {
    const lost: WaitingItem[] = [];
    const queue = new ItemQueue({ maxItems: 1, maxBytes: 10, dropped: (one) => lost.push(one) });
    const [first, second] = [waiting('finding', 1, Severity.LOW), waiting('finding', 1, Severity.LOW)];
    expect([queue.push(first, 0), queue.push(second, 0)]).toEqual([true, false]);
    expect(queue.take(9, 99)).toEqual([first]);
    expect(lost).toEqual([second]);
  });

  it('hides no critical finding behind 100 000 low ones', () => {
    let lost = 0;
    const queue = new ItemQueue({ maxItems: 1_000, maxBytes: 1_000_000, dropped: () => lost++ });
    for (let index = 0; index < 50_000; index++) queue.push(waiting('finding', 1, Severity.LOW), 0);
    const critical = waiting('finding', 1, Severity.CRITICAL);
    expect(queue.push(critical, 0)).toBe(true);
    for (let index = 0; index < 50_000; index++) queue.push(waiting('finding', 1, Severity.LOW), 0);
    expect(lost).toBe(99_001);
    expect(queue.take(1, 99)).toEqual([critical]);
  });

  it('takes a finding of no known severity for one of the worst', () => {
    const queue = new ItemQueue({ maxItems: 9, maxBytes: 10, dropped: () => undefined });
    const unknown = waiting('finding', 1, Severity.UNSPECIFIED);
    queue.push(waiting('finding', 1, Severity.HIGH), 0);
    queue.push(unknown, 0);
    expect(queue.take(1, 10)).toEqual([unknown]);
  });

  it('does not sacrifice anything for an item that cannot fit', () => {
    const queue = new ItemQueue({ maxItems: 9, maxBytes: 10, dropped: () => undefined });
    queue.push(waiting('observation'), 0);
    expect(queue.push(waiting('finding', 11), 0)).toBe(false);
    expect(queue.push(waiting('finding', 5), 6)).toBe(false);
    expect(queue.size).toBe(1);
  });
});

describe('Outbound', () => {
  it('does not wait with a finding, and takes along what waits, oldest first', async () => {
    const { made, dueCalls } = outbound();
    made.add({ $case: 'containerUpdate', value: { container: undefined } });
    made.add(finding());
    expect(made.takeDue()).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(dueCalls()).toBe(1);
    expect(decoded(made.takeDue()).map((item) => item?.$case)).toEqual(['containerUpdate', 'finding']);
    expect(made.takeDue()).toEqual([]);
    made.close();
  });

  it('tells of items too large for a message or not encodable, with their container', async () => {
    const { made } = outbound();
    expect(made.add(finding({ summary: 'x'.repeat(maxBatchBytes) }))).toBe(false);
    expect(
      made.add({
        $case: 'observation',
        value: { containerId: 'c', origin: 0, firstSeenUnixNs: 2n ** 70n, fact: undefined },
      }),
    ).toBe(false);
    await tick();
    const gaps = decoded(made.takeDue()).map((item) => item?.value as Gap);
    expect(gaps).toMatchObject([
      { type: 'finding', count: 1n, reason: 'too-large', containerIds: ['c'] },
      { type: 'observation', count: 1n, containerIds: ['c'] },
    ]);
    expect(gaps[1]?.reason).toContain('not-encodable');
    made.close();
  });

  it('does not lose what a lost gap tells of', async () => {
    const { made } = outbound({ maxQueueItems: 1 });
    const gap = {
      hop: 'ring-buffer',
      type: 'exec',
      count: 40n,
      fromUnixNs: 5n,
      toUnixNs: 6n,
      containerIds: [],
      reason: 'full',
      ...{ ongoing: false, totalCount: 0n },
    };
    made.add({ $case: 'gap', value: gap });
    made.add(finding());
    made.add({ $case: 'gap', value: { ...gap, count: 2n, toUnixNs: 9n } });
    await tick();
    const items = decoded(made.takeDue());
    expect(items[0]?.$case).toBe('finding');
    expect(items[1]).toEqual({ $case: 'gap', value: { ...gap, count: 42n, toUnixNs: 9n } });
    made.close();
  });
});

describe('GapLedger', () => {
  it('stays bounded and exact with any number of kinds', () => {
    const ledger = new GapLedger();
    for (let n = 0; n < 1_000; n++)
      ledger.add({
        hop: 'h',
        type: `t${n}`,
        reason: '',
        count: 2n,
        fromUnixNs: 1n,
        toUnixNs: 1n,
        containerIds: [`c${n}`],
      });
    const gaps = ledger.take(10_000);
    expect(gaps.length).toBeLessThanOrEqual(257);
    expect(gaps.reduce((sum, gap) => sum + gap.count, 0n)).toBe(2_000n);
    // The last kind stands for more containers than can be named: it concerns any.
    expect(new Set(gaps.map((gap) => gap.containerIds.length))).toEqual(new Set([0, 1]));
    expect(ledger.size).toBe(0);
  });
});

describe('InFlight', () => {
  it('knows what the collector has, what to send again, and when their numbers do not meet', () => {
    const inFlight = new InFlight();
    for (let n = 0; n < 5; n++) inFlight.add([new Uint8Array(10)]);
    expect(inFlight.acknowledge(6n)).toBe(false);
    expect(inFlight.acknowledge(3n)).toBe(true);
    expect(inFlight.batches.map(({ sequence }) => sequence)).toEqual([4n, 5n]);
    expect(inFlight.bytes).toBe(20);
    expect([2n, 3n, 5n, 6n].map((sequence) => inFlight.canResumeAfter(sequence))).toEqual([false, true, true, false]);
    inFlight.renumber();
    expect(inFlight.batches.map(({ sequence }) => sequence)).toEqual([1n, 2n]);
    expect(inFlight.add([]).sequence).toBe(3n);
    expect(inFlight.canResumeAfter(0n)).toBe(true);
  });
});

it('makes the bytes that the generated encoder makes', () => {
  const items = [finding({ summary: 'größe' }), finding({ summary: '' })];
  const bytes = encodeBatch(2n ** 40n, items.map(encodeItem));
  const message = { $case: 'batch', value: { sequence: 2n ** 40n, items: items.map((item) => ({ item })) } } as const;
  expect(bytes.equals(Buffer.from(ConnectRequest.encode({ message }).finish()))).toBe(true);
});

it('refuses to send plain text off the machine', () => {
  const node = { name: 'n', bootId: '', kernelRelease: '', architecture: '', osName: '' };
  const options = { node, agentId: 'a', epoch: 1n, logger: silentLogger, metrics: new Metrics('agent') };
  expect(() => createUplink({ ...options, address: 'collector.example:4319' })).toThrow(/plain text/);
});
