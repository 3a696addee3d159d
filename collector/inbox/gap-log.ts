import type { Metrics } from '../../common/metrics.ts';
import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';

export interface LoggedGap {
  nodeName: string;
  gap: Gap;
  receivedAtUnixMs: number;
}

const maxKept = 256;
/** The words agents use; what else arrives is counted together, so that an agent cannot grow the metrics. */
const knownHops = new Set(['ring-buffer', 'attribution', 'decode', 'uplink-queue', 'ingest', 'publish']);
const typeWord = /^[a-z][a-z-]{0,31}$/;
const maxTypes = 64;

/** What is known not to have been seen: counted for ever, the newest ones kept for the status. */
export class GapLog {
  readonly #gaps: LoggedGap[] = [];
  readonly #types = new Set<string>();
  readonly #lost;

  constructor(metrics: Metrics) {
    this.#lost = metrics.counter('gaps_lost_total', 'Records and items known to be missing, by where they were lost.', [
      'hop',
      'type',
    ]);
  }

  add(logged: LoggedGap): void {
    const { gap } = logged;
    const count = Number(gap.count);
    this.#lost.inc({ hop: knownHops.has(gap.hop) ? gap.hop : 'other', type: this.#typeLabel(gap.type) }, count);
    this.#gaps.push(logged);
    if (this.#gaps.length > maxKept) this.#gaps.shift();
  }

  /** Newest first. */
  list(): readonly LoggedGap[] {
    return this.#gaps.toReversed();
  }

  #typeLabel(type: string): string {
    if (!this.#types.has(type)) {
      if (this.#types.size >= maxTypes || !typeWord.test(type)) return 'other';
      this.#types.add(type);
    }
    return type;
  }
}
