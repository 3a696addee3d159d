import { describe, expect, it } from 'vitest';
import { DedupeTable } from './dedupe.ts';

const identity = (key: string) => ({ key, ruleId: 'r', containerId: 'c' });
const ms = (value: number) => BigInt(value) * 1_000_000n;

function table(maxEntries = 100) {
  return new DedupeTable({ windowNs: ms(1_000), maxEntries });
}

describe('DedupeTable', () => {
  it('lets the first through, counts repeats, and gives their number to the next one after the window', () => {
    const dedupe = table();
    expect(dedupe.admit(identity('a'), ms(0), 'f1')).toEqual({ admitted: true, suppressedCount: 0n });
    expect(dedupe.admit(identity('a'), ms(1), 'f2')).toEqual({ admitted: false });
    expect(dedupe.admit(identity('a'), ms(999), 'f3')).toEqual({ admitted: false });
    expect(dedupe.admit(identity('b'), ms(999), 'f4')).toEqual({ admitted: true, suppressedCount: 0n });
    expect(dedupe.admit(identity('a'), ms(1_000), 'f5')).toEqual({ admitted: true, suppressedCount: 2n });
    expect(dedupe.admit(identity('a'), ms(2_000), 'f6')).toEqual({ admitted: true, suppressedCount: 0n });
  });

  it('treats an event that arrives late as a repeat', () => {
    const dedupe = table();
    dedupe.admit(identity('a'), ms(5_000), 'f1');
    expect(dedupe.admit(identity('a'), ms(10), 'f2').admitted).toBe(false);
  });

  it('hands over what no later finding carries, once', () => {
    const dedupe = table();
    for (const at of [0, 1, 2]) dedupe.admit(identity('a'), ms(at), `f${at}`);
    dedupe.admit(identity('quiet'), ms(0), 'q');
    expect(dedupe.flush(ms(9_999))).toEqual([]);
    expect(dedupe.flush(ms(10_000))).toEqual([{ ...identity('a'), findingId: 'f0', count: 2n }]);
    expect(dedupe.flush(ms(90_000))).toEqual([]);
    expect(dedupe.size).toBe(0);
    expect(dedupe.admit(identity('a'), ms(10_001), 'n')).toEqual({ admitted: true, suppressedCount: 0n });
  });

  it('leaves a count to the next finding however often it is flushed before', () => {
    const dedupe = table();
    dedupe.admit(identity('a'), ms(0), 'f1');
    dedupe.admit(identity('a'), ms(1), 'f2');
    for (let at = 1_000; at < 5_000; at += 500) expect(dedupe.flush(ms(at))).toEqual([]);
    expect(dedupe.admit(identity('a'), ms(5_000), 'f3')).toEqual({ admitted: true, suppressedCount: 1n });
  });

  it('stays within its bound and keeps the counts of keys that gave way', () => {
    const dedupe = table(10);
    for (let index = 0; index < 1_000; index++) {
      dedupe.admit(identity(`k${index}`), ms(0), `f${index}`);
      dedupe.admit(identity(`k${index}`), ms(0), 'repeat');
      expect(dedupe.size).toBeLessThanOrEqual(10);
    }
    const flushed = dedupe.flush(ms(10_000));
    const counted = flushed.reduce((sum, entry) => sum + entry.count, 0n);
    expect(flushed).toHaveLength(20);
    expect(counted + dedupe.uncounted).toBe(1_000n);
  });
});
