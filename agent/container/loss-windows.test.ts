import { describe, expect, it } from 'vitest';
import { type Loss, LossWindows } from './loss-windows.ts';

const loss = (fromKtimeNs: bigint, toKtimeNs: bigint, change: Partial<Loss> = {}): Loss => ({
  ...{ hop: 'ring-buffer', type: 'exec', reason: 'ring-full', count: 1n, containerId: undefined },
  ...{ fromKtimeNs, toKtimeNs, ...change },
});

describe('LossWindows', () => {
  const complete = (windows: LossWindows, ...at: bigint[]) => at.map((ns) => windows.around(ns, 'c').length === 0);

  it('doubts what happened around a loss, and nothing else', () => {
    const windows = new LossWindows({ marginNs: 10n, maxWindows: 4 });
    expect(complete(windows, 100n)).toEqual([true]);
    windows.note(loss(100n, 110n));
    windows.note(loss(200n, 210n));
    expect(complete(windows, 89n, 90n, 120n, 121n, 189n, 190n, 220n, 221n)).toEqual(
      [true, false, false, true, true, false, false, true], // biome-ignore format: beside the times
    );
  });

  it('doubts only the container that lost something, or all where it is not known which', () => {
    const windows = new LossWindows({ marginNs: 0n, maxWindows: 4 });
    windows.note(loss(100n, 110n, { containerId: 'noisy', count: 40n, reason: 'throttled' }));
    expect(windows.around(105n, 'quiet')).toEqual([]);
    expect(windows.around(105n, 'noisy')).toMatchObject([{ count: 40n, reason: 'throttled' }]);
    windows.note(loss(104n, 106n, { type: 'fork' }));
    expect(windows.around(105n, 'quiet')).toMatchObject([{ type: 'fork', containerId: undefined }]);
    expect(windows.around(105n, 'noisy').map(({ type }) => type)).toEqual(['exec', 'fork']);
  });

  it('adds up a loss that goes on, and keeps kinds apart', () => {
    const windows = new LossWindows({ marginNs: 0n, maxWindows: 4 });
    windows.note(loss(100n, 110n, { count: 3n }));
    windows.note(loss(110n, 120n, { count: 4n }));
    windows.note(loss(119n, 112n, { count: 5n }));
    windows.note(loss(110n, 120n, { type: 'fork' }));
    expect(windows.around(115n, 'c')).toMatchObject([
      { type: 'exec', count: 12n, fromKtimeNs: 100n, toKtimeNs: 120n },
      { type: 'fork', count: 1n },
    ]);
  });

  it('joins the oldest windows when there are too many', () => {
    const windows = new LossWindows({ marginNs: 0n, maxWindows: 2 });
    for (const from of [100n, 300n, 500n]) windows.note(loss(from, from + 10n));
    // Rather too much doubt than too little: what lies between the first two is doubted now.
    expect(complete(windows, 99n, 200n, 310n, 400n, 505n)).toEqual([true, false, false, true, false]);
  });

  it('forgets what is too old to matter, and doubts all containers when too many have lost something', () => {
    const windows = new LossWindows({ marginNs: 0n, maxWindows: 4, maxContainers: 2, keepNs: 1_000n });
    for (const containerId of ['a', 'b', 'c']) windows.note(loss(100n, 110n, { containerId }));
    expect(windows.around(105n, 'somebody')).toHaveLength(1);
    windows.note(loss(5_000n, 5_010n, { containerId: 'd' }));
    expect(['a', 'b', 'c', 'somebody'].map((id) => windows.around(105n, id).length)).toEqual([0, 0, 0, 0]);
  });
});
