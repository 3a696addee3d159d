import { describe, expect, it } from 'vitest';
import { LossWindows } from './loss-windows.ts';

describe('LossWindows', () => {
  it('doubts what happened around a loss, and nothing else', () => {
    const losses = new LossWindows({ marginNs: 10n, maxWindows: 4 });
    expect(losses.isComplete(100n)).toBe(true);
    losses.note(100n, 110n);
    losses.note(200n, 210n);
    const complete = [89n, 90n, 120n, 121n, 189n, 190n, 220n, 221n].map((at) => losses.isComplete(at));
    expect(complete).toEqual([true, false, false, true, true, false, false, true]);
  });

  it('joins windows that overlap, and the oldest ones when there are too many', () => {
    const losses = new LossWindows({ marginNs: 0n, maxWindows: 2 });
    losses.note(100n, 110n);
    losses.note(105n, 120n);
    losses.note(119n, 112n);
    losses.note(300n, 310n);
    expect([115n, 121n, 299n].map((at) => losses.isComplete(at))).toEqual([false, true, true]);
    losses.note(500n, 510n);
    // Rather too much doubt than too little: what lies between the first two is doubted now.
    expect([99n, 200n, 310n, 400n, 505n].map((at) => losses.isComplete(at))).toEqual([true, false, false, true, false]);
  });
});
