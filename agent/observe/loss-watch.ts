import type { Metrics } from '../../common/metrics.ts';
import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import { type LedgerRow, lossReasons } from '../sensor/ledger.ts';

export interface LossWatchOptions {
  /** The kernel's account; counts only grow. */
  readLedger: () => LedgerRow[];
  nowUnixNs: () => bigint;
  /** CLOCK_BOOTTIME. */
  nowKtimeNs: () => bigint;
  /** The gap to report, and its window by CLOCK_BOOTTIME. */
  onGap: (gap: Gap, fromKtimeNs: bigint, toKtimeNs: bigint) => void;
  metrics: Metrics;
}

/** Compares the kernel's ledger with its last state; what was lost in between becomes gaps and metrics. */
export class LossWatch {
  readonly #options: LossWatchOptions;
  readonly #last = new Map<string, bigint>();
  readonly #lost;
  readonly #sent;
  #checkedUnixNs: bigint;
  #checkedKtimeNs: bigint;

  constructor(options: LossWatchOptions) {
    this.#options = options;
    this.#checkedUnixNs = options.nowUnixNs();
    this.#checkedKtimeNs = options.nowKtimeNs();
    this.#lost = options.metrics.counter('records_lost_total', 'Records the kernel could not send', ['type', 'reason']);
    this.#sent = options.metrics.counter('records_sent_total', 'Records the kernel sent', ['type']);
  }

  /** To be called every few seconds, and before the end. */
  check(): void {
    const fromUnixNs = this.#checkedUnixNs;
    const fromKtimeNs = this.#checkedKtimeNs;
    this.#checkedUnixNs = this.#options.nowUnixNs();
    this.#checkedKtimeNs = this.#options.nowKtimeNs();
    for (const row of this.#options.readLedger()) {
      this.#sent.inc({ type: row.type }, Number(this.#advance(`${row.type} sent`, row.sent)));
      for (const reason of lossReasons) {
        const count = this.#advance(`${row.type} ${reason}`, row.lost[reason]);
        if (count === 0n) continue;
        this.#lost.inc({ type: row.type, reason }, Number(count));
        const window = { fromUnixNs, toUnixNs: this.#checkedUnixNs };
        const gap = { hop: 'ring-buffer', type: row.type, count, ...window, containerIds: [], reason };
        this.#options.onGap(gap, fromKtimeNs, this.#checkedKtimeNs);
      }
    }
  }

  #advance(key: string, value: bigint): bigint {
    const delta = value - (this.#last.get(key) ?? 0n);
    this.#last.set(key, value);
    return delta;
  }
}
