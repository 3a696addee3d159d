import { describe, expect, it } from 'vitest';
import { Metrics } from '../../common/metrics.ts';
import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { Loss } from '../container/loss-windows.ts';
import { LossLog } from './loss-log.ts';

const secondNs = 1_000_000_000n;

function stage(maxEpisodes?: number) {
  const gaps: Gap[] = [];
  const time = { ns: 0n, offsetNs: 1_000n * secondNs };
  const log = new LossLog({
    clock: { unixNs: (ktimeNs) => ktimeNs + time.offsetNs },
    nowKtimeNs: () => time.ns,
    onGap: (gap) => gaps.push(gap),
    metrics: new Metrics('agent'),
    ...(maxEpisodes === undefined ? {} : { maxEpisodes }),
  });
  const lose = (count: bigint, change: Partial<Loss> = {}): void => {
    const loss = { hop: 'budget', type: 'exec', reason: 'throttled', containerId: 'c', count };
    log.note({ ...loss, fromKtimeNs: time.ns - secondNs, toKtimeNs: time.ns, ...change });
    log.tick();
  };
  return { gaps, time, log, lose };
}

describe('LossLog', () => {
  it('tells a loss at once, while it goes on now and then, and when it is over; the counts add up', () => {
    const { gaps, time, log, lose } = stage();
    let lost = 0n;
    for (let second = 1n; second <= 65n; second++) {
      time.ns = second * secondNs;
      lose(second);
      lost += second;
    }
    expect(gaps.map(({ ongoing }) => ongoing)).toEqual([true, true, true]);
    time.ns += 10n * secondNs;
    log.tick();
    log.tick();
    expect(gaps).toHaveLength(4);
    expect(gaps.at(-1)).toMatchObject({
      ...{ hop: 'budget', type: 'exec', reason: 'throttled', containerIds: ['c'], ongoing: false },
      ...{ totalCount: lost, fromUnixNs: 1_000n * secondNs, toUnixNs: 1_065n * secondNs },
    });
    expect(gaps.reduce((sum, { count }) => sum + count, 0n)).toBe(lost);
    expect(log.list()).toMatchObject([{ count: lost, ongoing: false }]);
  });

  it('keeps containers, hops, types and reasons apart', () => {
    const { gaps, lose } = stage();
    lose(1n);
    lose(2n, { containerId: undefined });
    lose(3n, { type: 'fork' });
    lose(4n, { containerId: 'd' });
    expect(gaps.map(({ type, count, containerIds }) => [type, count, containerIds])).toEqual([
      ['exec', 1n, ['c']],
      ['exec', 2n, []],
      ['fork', 3n, ['c']],
      ['exec', 4n, ['d']],
    ]);
  });

  it('does not turn a window round when the wall clock is set back', () => {
    const { gaps, time, log, lose } = stage();
    time.ns = 100n * secondNs;
    lose(1n);
    time.offsetNs -= 500n * secondNs;
    time.ns += 20n * secondNs;
    log.tick();
    for (const { fromUnixNs, toUnixNs } of gaps) expect(toUnixNs - fromUnixNs).toBe(secondNs);
  });

  it('stays bounded and exact with any number of kinds', () => {
    const { gaps, log, lose } = stage(8);
    for (let n = 0; n < 1_000; n++) lose(1n, { containerId: `c${n}` });
    expect(gaps.length).toBeLessThan(12);
    log.close();
    expect(gaps.reduce((sum, { count }) => sum + count, 0n)).toBe(1_000n);
    expect(gaps.at(-1)).toMatchObject({ hop: 'several', containerIds: [], ongoing: false });
  });
});
