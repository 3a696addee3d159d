import type { Metrics } from '../../common/metrics.ts';
import type { Store, StoredGap } from '../store/store.ts';

/** How many the status shows. */
const maxListed = 256;
/** The words agents use; what else arrives is counted together, so that an agent cannot grow the metrics. */
const knownHops = new Set([
  ...['ring-buffer', 'budget', 'program', 'decode', 'process-table', 'attribution', 'detection', 'uplink-queue'],
  ...['files', 'sampling', 'ingest', 'publish', 'several'],
]);
const typeWord = /^[a-z][a-z-]{0,31}$/;
const maxTypes = 64;

/** What is known not to have been seen: counted, and kept in the store. */
export class GapLog {
  readonly #store: Pick<Store, 'putGap' | 'listGaps'>;
  readonly #types = new Set<string>();
  readonly #lost;

  constructor(store: Pick<Store, 'putGap' | 'listGaps'>, metrics: Metrics) {
    this.#store = store;
    this.#lost = metrics.counter('gaps_lost_total', 'Records and items known to be missing, by where they were lost.', [
      'hop',
      'type',
    ]);
  }

  /** @throws {CodedError} of the store. */
  add(logged: StoredGap): void {
    this.#store.putGap(logged);
    const { hop, type, count } = logged.gap;
    this.#lost.inc({ hop: knownHops.has(hop) ? hop : 'other', type: this.#typeLabel(type) }, Number(count));
  }

  /** Newest first. */
  list(): readonly StoredGap[] {
    return this.#store.listGaps({ limit: maxListed });
  }

  #typeLabel(type: string): string {
    if (!this.#types.has(type)) {
      if (this.#types.size >= maxTypes || !typeWord.test(type)) return 'other';
      this.#types.add(type);
    }
    return type;
  }
}
