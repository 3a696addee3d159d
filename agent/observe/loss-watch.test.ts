import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import type { Loss } from '../container/loss-windows.ts';
import type { ContainerLossRow, LedgerRow, LossReasonName } from '../sensor/ledger.ts';
import type { Mismatch } from '../sensor/ledger-check.ts';
import { LossWatch } from './loss-watch.ts';

function row(type: string, sent: bigint, lost: Partial<Record<LossReasonName, bigint>> = {}): LedgerRow {
  const all = { 'ring-full': 0n, 'table-full': 0n, oversize: 0n, throttled: 0n, ...lost };
  return { type, typeNumber: 1, attempted: sent, sent, lost: all, cpus: [] };
}

function ofContainer(containerKey: bigint, count: bigint, change: Partial<ContainerLossRow> = {}): ContainerLossRow {
  const times = { sinceKtimeNs: 1_200n, lastKtimeNs: 1_300n };
  return { containerKey, type: 'exec', reason: 'throttled', count, ...times, ...change };
}

describe('LossWatch', () => {
  let source: {
    rows: LedgerRow[];
    losses: ContainerLossRow[];
    mismatches: Mismatch[] | undefined;
    misses: Map<string, bigint>;
    lossSignal: number;
  };
  let now: bigint;
  let lost: Loss[];
  let damaged: number;
  let watch: LossWatch;

  beforeEach(() => {
    source = { rows: [], losses: [], mismatches: [], misses: new Map(), lossSignal: 0 };
    now = 1_000n;
    lost = [];
    damaged = 0;
    watch = new LossWatch({
      source: {
        ledger: () => source.rows,
        containerLosses: () => source.losses,
        checkLedger: () => source.mismatches,
        programMisses: () => source.misses,
        get lossSignal() {
          return source.lossSignal;
        },
      },
      nowKtimeNs: () => now,
      containerOf: (cgroupId) => (cgroupId === 9n ? null : cgroupId === 8n ? undefined : `container-${cgroupId}`),
      onLoss: (loss) => lost.push(loss),
      onTreeDamaged: () => damaged++,
      logger: silentLogger,
      metrics: new Metrics('agent'),
    });
  });

  it('tells what a container lost, once, with the window it happened in', () => {
    source.rows = [row('exec', 10n, { throttled: 5n })];
    source.losses = [ofContainer(1n, 5n)];
    for (now = 2_000n; now < 6_000n; now += 1_000n) watch.check();
    expect(lost).toEqual([
      {
        ...{ hop: 'budget', type: 'exec', reason: 'throttled', count: 5n, containerId: 'container-1' },
        ...{ fromKtimeNs: 1_200n, toKtimeNs: 1_300n },
      },
    ]);
    expect(damaged).toBe(1);
    source.rows = [row('exec', 10n, { throttled: 8n })];
    source.losses = [ofContainer(1n, 8n, { lastKtimeNs: 5_500n })];
    watch.check();
    expect(lost.at(-1)).toMatchObject({ count: 3n, fromKtimeNs: 5_000n, toKtimeNs: 5_500n });
  });

  it('tells what is nobody’s as the node’s, when it has been seen twice', () => {
    source.rows = [row('capability', 1n, { 'ring-full': 7n })];
    source.losses = [ofContainer(1n, 2n, { type: 'capability', reason: 'ring-full' })];
    now = 2_000n;
    watch.check();
    expect(lost.map(({ count }) => count)).toEqual([2n]);
    now = 3_000n;
    watch.check();
    watch.check();
    expect(lost.map(({ count, containerId }) => [count, containerId])).toEqual([
      [2n, 'container-1'],
      [5n, undefined],
    ]);
    expect(damaged).toBe(0);
  });

  it('does not tell twice what is counted in the total before it is counted for its container', () => {
    source.rows = [row('exec', 1n, { throttled: 4n })];
    watch.check();
    source.losses = [ofContainer(1n, 4n)];
    watch.check();
    watch.check();
    expect(lost.map(({ count, containerId }) => [count, containerId])).toEqual([[4n, 'container-1']]);
  });

  it('counts what a stranger that is no container lost, and doubts nobody for it', () => {
    source.rows = [row('exec', 1n, { throttled: 6n })];
    source.losses = [ofContainer(9n, 4n), ofContainer(8n, 2n)];
    for (let pass = 0; pass < 3; pass++) watch.check();
    expect(lost.map(({ count, containerId }) => [count, containerId])).toEqual([[2n, undefined]]);
  });

  it('tells what is unaccounted for, and programs that the kernel skipped', () => {
    source.mismatches = [{ type: 'fork', cpu: 1, missing: 3n }];
    source.misses = new Map([['exec', 2n]]);
    watch.check();
    source.mismatches = [];
    watch.check();
    expect(lost.map(({ hop, type, reason, count }) => [hop, type, reason, count])).toEqual([
      ['ring-buffer', 'fork', 'unaccounted', 3n],
      ['program', 'exec', 'program-missed', 2n],
    ]);
  });

  it('looks as soon as the programs signal a loss, but not all the time', () => {
    source.rows = [row('exec', 1n, { throttled: 4n })];
    source.losses = [ofContainer(1n, 4n)];
    watch.notice();
    source.lossSignal = 4;
    watch.notice();
    expect(lost).toEqual([]);
    now += 200_000_000n;
    watch.notice();
    expect(lost).toHaveLength(1);
    source.losses = [ofContainer(1n, 9n)];
    now += 200_000_000n;
    watch.notice();
    expect(lost).toHaveLength(1);
  });

  it('begins anew with a container whose cgroup is gone', () => {
    source.losses = [ofContainer(1n, 4n)];
    watch.check();
    watch.forget(1n);
    source.losses = [ofContainer(1n, 2n)];
    watch.check();
    expect(lost.map(({ count }) => count)).toEqual([4n, 2n]);
  });
});
