import { describe, expect, it } from 'vitest';
import { Metrics } from '../../common/metrics.ts';
import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { LedgerRow } from '../sensor/ledger.ts';
import { LossWatch } from './loss-watch.ts';

function row(type: string, sent: bigint, ringFull = 0n): LedgerRow {
  const lost = { 'ring-full': ringFull, 'table-full': 0n, oversize: 0n, throttled: 0n };
  return { type, typeNumber: 0, attempted: sent + ringFull, sent, lost, cpus: [] };
}

describe('LossWatch', () => {
  function watch(): { ledger: LedgerRow[]; gaps: Gap[]; windows: bigint[][]; now: { ns: bigint }; losses: LossWatch } {
    const state = { ledger: [] as LedgerRow[], gaps: [] as Gap[], windows: [] as bigint[][], now: { ns: 1_000n } };
    const losses = new LossWatch({
      readLedger: () => state.ledger,
      nowUnixNs: () => state.now.ns + 5_000n,
      nowKtimeNs: () => state.now.ns,
      onGap: (gap, fromKtimeNs, toKtimeNs) => {
        state.gaps.push(gap);
        state.windows.push([fromKtimeNs, toKtimeNs]);
      },
      metrics: new Metrics('agent'),
    });
    return {
      ...state,
      losses,
      get ledger() {
        return state.ledger;
      },
      set ledger(value) {
        state.ledger = value;
      },
    };
  }

  it('reports each loss once, with the window it happened in', () => {
    const state = watch();
    state.ledger = [row('exec', 10n, 3n), row('fork', 4n)];
    state.now.ns = 2_000n;
    state.losses.check();
    state.now.ns = 3_000n;
    state.losses.check();
    expect(state.gaps).toEqual([
      {
        hop: 'ring-buffer',
        type: 'exec',
        count: 3n,
        fromUnixNs: 6_000n,
        toUnixNs: 7_000n,
        containerIds: [],
        reason: 'ring-full',
      },
    ]);
    state.ledger = [row('exec', 12n, 8n)];
    state.losses.check();
    expect(state.gaps.at(-1)).toMatchObject({ count: 5n });
  });

  it('names the window by the clock of the records too', () => {
    const state = watch();
    state.ledger = [row('exec', 1n, 1n)];
    state.now.ns = 2_000n;
    state.losses.check();
    expect(state.windows).toEqual([[1_000n, 2_000n]]);
  });
});
