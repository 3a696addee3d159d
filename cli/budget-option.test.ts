import { expect, it } from 'vitest';
import { parseBudget } from './budget-option.ts';

it('reads budgets of several kinds, the last of a kind counts', () => {
  const first = parseBudget('exec=10/20, fork=0/1');
  expect(parseBudget('exec=30/40', first)).toEqual({
    exec: { perSecond: 30, burst: 40 },
    fork: { perSecond: 0, burst: 1 },
  });
});

it.each(['', 'exec', 'exec=1', 'exec=1/', 'exec=-1/2', 'exec=1/0', 'exec=1000001/1', 'disk=1/1', 'toString=1/1'])(
  'refuses %j',
  (text) => {
    expect(() => parseBudget(text)).toThrow(/Give KIND=PER_SECOND\/BURST|At least one record/);
  },
);
