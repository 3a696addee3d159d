import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Finding, Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import { type FindingRepeats, Item } from '../../proto/generated/tallyman/v1/uplink.ts';
import { narrowItem } from './narrow.ts';
import { decodeRequest } from './wire.ts';

const now = 1_795_000_000_000;
type Change = Parameters<typeof Finding.fromPartial>[0];

const good: Change = {
  findingId: 'f-1',
  ruleId: 'exec-drift',
  severity: 4,
  event: { kind: 'exec', timeUnixNs: BigInt(now) * 1_000_000n },
  container: { id: 'c1', name: 'web' },
  processes: [{ executionId: 'e', argv: ['sh'], executable: { path: '/bin/sh' } }],
};

function narrowed(change: Change) {
  const value = Finding.fromPartial({ ...good, ...change });
  return { value, answer: narrowItem({ item: { $case: 'finding', value } }, now) };
}

describe('a finding', () => {
  it('that is as it must be is left as it is', () => {
    const before = Finding.fromPartial(good);
    const { value, answer } = narrowed({});
    expect(answer).toMatchObject({ shortened: false });
    expect(value).toEqual(before);
  });

  it.each<[string, Change]>([
    ['no id', { findingId: '' }],
    ['an id with a line break', { findingId: 'a\nb' }],
    ['an id that is too long', { findingId: 'a'.repeat(129) }],
    ['a rule id that is two words of a NATS subject', { ruleId: 'a.b' }],
    ['a rule id that is a wildcard', { ruleId: '>' }],
    ['no event', { event: undefined }],
    ['a container without an id', { container: {} }],
  ])('is refused with %s', (_what, change) => {
    expect(narrowed(change).answer).toHaveProperty('refused');
  });

  it('is never refused for what a container can influence: it is cut and says so', () => {
    const { value, answer } = narrowed({
      processes: Array.from({ length: 500 }, () => ({
        argv: Array.from({ length: 3_000 }, () => 'x'.repeat(100)),
        cwd: 'd'.repeat(9_999),
      })),
      ancestryComplete: true,
      container: {
        id: 'c1',
        labels: Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`l${n}`, 'v'.repeat(9_000)])),
      },
      fields: { path: '\u{1f600}'.repeat(9_000) },
      summary: 's'.repeat(10_000),
    });
    expect(answer).toMatchObject({ shortened: true });
    expect(value.processes).toHaveLength(128);
    expect(value.ancestryComplete).toBe(false);
    expect(value.processes[0]?.argvTruncated).toBe(true);
    expect(value.processes[0]?.argv.join('').length).toBeLessThanOrEqual(131_072);
    expect(Object.keys(value.container?.labels ?? {})).toHaveLength(512);
    expect(value.fields.path?.isWellFormed()).toBe(true);
    expect(Item.encode({ item: { $case: 'finding', value } }).finish().byteLength).toBeLessThan(32 * 1024 * 1024);
  });

  it.each([0n, -5n, 2n ** 63n - 1n])('with the time %s gets the time of receipt, and says so', (timeUnixNs) => {
    const { value } = narrowed({ event: { kind: 'exec', timeUnixNs } });
    expect(value.event?.timeUnixNs).toBe(BigInt(now) * 1_000_000n);
    expect(value.missing).toContain('event time');
  });

  it('keeps going without a container, and with words of a newer agent', () => {
    const { value, answer } = narrowed({ container: undefined, severity: 99 as never, attribution: 42 as never });
    expect(answer).toHaveProperty('value');
    expect([value.severity, value.attribution]).toEqual([0, 0]);
  });
});

describe('any bytes', () => {
  it('never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeRequest(bytes)));
  });

  it('in an item leave the other items of its batch whole', () => {
    const ended: Item = {
      item: {
        $case: 'executionEnded',
        value: { containerId: 'c', executionId: 'e', endUnixNs: 1n, exitCode: 0, exitSignal: 0, coreDumped: false },
      },
    };
    const goodBytes = Item.encode(ended).finish();
    const field = (tag: number, content: Uint8Array) => [tag, ...varint(content.length), ...content];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (noise) => {
        const batch = new Uint8Array([8, 7, ...field(18, goodBytes), ...field(18, noise), ...field(18, goodBytes)]);
        const request = decodeRequest(new Uint8Array(field(18, batch)));
        expect(request).toMatchObject({ kind: 'batch', sequence: 7n });
        if (request.kind !== 'batch') return;
        expect(request.items).toHaveLength(3);
        expect([request.items[0], request.items[2]]).toEqual([{ item: ended }, { item: ended }]);
        const [, middle] = request.items;
        if (middle !== undefined && 'item' in middle) narrowItem(middle.item, now);
      }),
    );
  });
});

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)];
}

describe('repeats', () => {
  const repeats: FindingRepeats = {
    ...{ findingId: 'f-1', ruleId: 'exec-drift', containerId: 'c1', severity: Severity.LOW, count: 3n },
    ...{ firstUnixNs: BigInt(now) * 1_000_000n, lastUnixNs: BigInt(now) * 1_000_000n },
  };

  const refused: [Partial<FindingRepeats>, string][] = [
    [{ count: 0n }, 'count must be 1 or more, got 0'],
    [{ count: 2n ** 60n }, 'count must be 1 or more'],
    [{ findingId: 'a b' }, 'finding_id is missing or not an id'],
    [{ ruleId: 'a.b' }, 'rule_id is missing or not a rule id'],
    [{ containerId: '' }, 'container_id is missing or not an id'],
  ];
  it('are refused when they are not as they must be', () => {
    for (const [change, reason] of refused) {
      const answer = narrowItem({ item: { $case: 'findingRepeats', value: { ...repeats, ...change } } }, now);
      expect('refused' in answer && answer.refused).toContain(reason);
    }
  });

  it('with impossible times have that of receipt', () => {
    const value = { ...repeats, firstUnixNs: -5n, lastUnixNs: 9n * 10n ** 18n, severity: 99 as Severity };
    narrowItem({ item: { $case: 'findingRepeats', value } }, now);
    const nowNs = BigInt(now) * 1_000_000n;
    expect(value).toMatchObject({ firstUnixNs: nowNs, lastUnixNs: nowNs, severity: Severity.UNSPECIFIED });
  });
});
