import type { Metrics } from '../../common/metrics.ts';
import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { LedgerRow, LossReasonName } from '../sensor/ledger.ts';

export interface LossWatchOptions {
  /** The kernel's account; counts only grow. */
  readLedger: () => LedgerRow[];
  nowUnixNs: () => bigint;
  /** CLOCK_BOOTTIME. */
  nowKtimeNs: () => bigint;
  onGap: (gap: Gap) => void;
  metrics: Metrics;
  /** How long after a loss findings are still marked as made from incomplete data. */
  incompleteForMs?: number;
}

const reasons: readonly LossReasonName[] = ['ring-full', 'table-full', 'oversize'];

/** Compares the kernel's ledger with its last state; what was lost in between becomes gaps, metrics, and a mark in time. */
export class LossWatch {
  readonly #options: LossWatchOptions;
  readonly #last = new Map<string, bigint>();
  readonly #lost;
  readonly #sent;
  #checkedUnixNs: bigint;
  #checkedKtimeNs: bigint;
  #incompleteFromKtimeNs: bigint | undefined;
  #incompleteToKtimeNs = 0n;

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
      for (const reason of reasons) {
        const count = this.#advance(`${row.type} ${reason}`, row.lost[reason]);
        if (count === 0n) continue;
        this.#lost.inc({ type: row.type, reason }, Number(count));
        this.#markIncomplete(fromKtimeNs);
        const window = { fromUnixNs, toUnixNs: this.#checkedUnixNs };
        this.#options.onGap({ hop: 'ring-buffer', type: row.type, count, ...window, containerIds: [], reason });
      }
    }
  }

  /** False for times in or shortly after a window in which records were lost: what led to an event may be among them. */
  isComplete(ktimeNs: bigint): boolean {
    return (
      this.#incompleteFromKtimeNs === undefined ||
      ktimeNs < this.#incompleteFromKtimeNs ||
      ktimeNs > this.#incompleteToKtimeNs
    );
  }

  #advance(key: string, value: bigint): bigint {
    const delta = value - (this.#last.get(key) ?? 0n);
    this.#last.set(key, value);
    return delta;
  }

  #markIncomplete(fromKtimeNs: bigint): void {
    if (this.#incompleteFromKtimeNs === undefined || fromKtimeNs > this.#incompleteToKtimeNs)
      this.#incompleteFromKtimeNs = fromKtimeNs;
    this.#incompleteToKtimeNs = this.#checkedKtimeNs + BigInt(this.#options.incompleteForMs ?? 30_000) * 1_000_000n;
  }
}
