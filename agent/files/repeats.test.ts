import { expect, it } from 'vitest';
import { TokenBucket } from '../../common/token-bucket.ts';
import { Repeats } from './repeats.ts';

it('tells a fact once a minute, with the number of repeats in between', () => {
  const repeats = new Repeats(60_000);
  expect(repeats.admit('a', 0)).toBe(0);
  expect(repeats.admit('a', 10)).toBeUndefined();
  expect(repeats.admit('a', 59_999)).toBeUndefined();
  expect(repeats.admit('b', 20)).toBe(0);
  expect(repeats.admit('a', 60_000)).toBe(2);
  expect(repeats.admit('a', 60_001)).toBeUndefined();
  expect(repeats.admit('a', 120_001)).toBe(1);
});

it('lets a burst through, and then so many a second', () => {
  const bucket = new TokenBucket(3, 10, 0);
  expect([0, 0, 0, 0].map((at) => bucket.take(at))).toEqual([true, true, true, false]);
  expect(bucket.take(99)).toBe(false);
  expect(bucket.take(200)).toBe(true);
  expect([10_000, 10_000, 10_000, 10_000].map((at) => bucket.take(at))).toEqual([true, true, true, false]);
});
