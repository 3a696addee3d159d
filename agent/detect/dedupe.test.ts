import { describe, expect, it } from 'vitest';
import { Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import { DedupeTable } from './dedupe.ts';

const identity = (key: string, severity: Severity = Severity.HIGH, containerId = 'c') => ({
  ...{ key, ruleId: 'r', containerId, severity },
});
const ms = (value: number) => BigInt(value) * 1_000_000n;

/** First summary after 1 s, then at most every 8 s; forgotten after 20 s of silence, and after 60 s in any case. */
function table(maxEntries = 100) {
  const times = { firstSummaryNs: ms(1_000), maxSummaryNs: ms(8_000), forgetNs: ms(20_000), maxAgeNs: ms(60_000) };
  return new DedupeTable({ ...times, maxEntries });
}

describe('DedupeTable', () => {
  it('lets the first through and tells of its repeats at growing distances, with all of them counted', () => {
    const dedupe = table();
    const told: [number, bigint][] = [];
    const admitted: number[] = [];
    for (let at = 0; at < 40_000; at += 100) {
      if (dedupe.admit(identity('a'), ms(at), `f${at}`)) admitted.push(at);
      for (const { count, findingId } of dedupe.takeDue(ms(at))) {
        expect(findingId).toBe('f0');
        told.push([at, count]);
      }
    }
    expect(admitted).toEqual([0]);
    expect(told).toEqual([
      [1_000, 10n],
      [2_000, 20n],
      [4_000, 40n],
      [8_000, 80n],
      [16_000, 160n],
      [24_000, 240n],
      [32_000, 320n],
    ]);
  });

  it('says when the first and the last repeat were, also where events come late', () => {
    const dedupe = table();
    for (const at of [5_000, 5_500, 10, 5_200]) dedupe.admit(identity('a'), ms(at), `f${at}`);
    expect(dedupe.takeDue(ms(6_000))).toEqual([
      { ...identity('a'), findingId: 'f5000', count: 3n, firstKtimeNs: ms(5_500), lastKtimeNs: ms(5_500) },
    ]);
    expect(dedupe.takeDue(ms(9_000))).toEqual([]);
  });

  it('starts anew after silence, and after a day of repeats, and loses no count by it', () => {
    const dedupe = table();
    dedupe.admit(identity('a'), ms(0), 'f1');
    expect(dedupe.admit(identity('a'), ms(500), 'f2')).toBe(false);
    expect(dedupe.admit(identity('a'), ms(20_500), 'f3')).toBe(true);
    expect(dedupe.takeDue(ms(20_600))).toMatchObject([{ findingId: 'f1', count: 1n }]);
    for (let at = 21_000; at < 80_500; at += 500) expect(dedupe.admit(identity('a'), ms(at), 'f')).toBe(false);
    expect(dedupe.admit(identity('a'), ms(80_500), 'f4')).toBe(true);
    expect(dedupe.takeDue(ms(80_500))).toMatchObject([{ findingId: 'f3', count: 119n }]);
    dedupe.takeDue(ms(200_000));
    expect(dedupe.size).toBe(0);
  });

  it('hands over at the end what has not been told, of one container or of all, once', () => {
    const dedupe = table();
    for (const containerId of ['c', 'd'])
      for (const at of [0, 1, 2]) dedupe.admit(identity(containerId, Severity.LOW, containerId), ms(at), containerId);
    dedupe.admit(identity('single'), ms(0), 's');
    expect(dedupe.takeAll(ms(3), 'd')).toMatchObject([{ findingId: 'd', count: 2n }]);
    expect(dedupe.takeAll(ms(3))).toMatchObject([{ findingId: 'c', count: 2n }]);
    expect(dedupe.takeAll(ms(3))).toEqual([]);
    // What comes after the end of the container is no news.
    expect(dedupe.admit(identity('d', Severity.LOW, 'd'), ms(4), 'x')).toBe(false);
    expect(dedupe.takeDue(ms(5_000))).toMatchObject([{ findingId: 'd', count: 3n }]);
  });

  it('stays within its bound and tells the counts of keys that gave way', () => {
    const dedupe = table(10);
    let told = 0n;
    for (let index = 0; index < 1_000; index++) {
      dedupe.admit(identity(`k${index}`), ms(0), `f${index}`);
      dedupe.admit(identity(`k${index}`), ms(0), 'repeat');
      expect(dedupe.size).toBeLessThanOrEqual(10);
    }
    const due = dedupe.takeDue(ms(1_000));
    for (const { count } of due) told += count;
    expect(due).toHaveLength(20);
    expect(told + dedupe.untold).toBe(1_000n);
  });

  it('keeps what is known of a critical finding through a flood of low ones', () => {
    const dedupe = table(100);
    dedupe.admit(identity('worst', Severity.CRITICAL), ms(0), 'f');
    for (let index = 0; index < 100_000; index++) dedupe.admit(identity(`low ${index}`, Severity.LOW), ms(1), 'l');
    expect(dedupe.admit(identity('worst', Severity.CRITICAL), ms(2), 'g')).toBe(false);
    expect(dedupe.admit(identity('another', Severity.CRITICAL), ms(2), 'h')).toBe(true);
    expect(dedupe.takeAll(ms(3)).filter(({ severity }) => severity === Severity.CRITICAL)).toMatchObject([
      { findingId: 'f', count: 1n },
    ]);
  });
});
