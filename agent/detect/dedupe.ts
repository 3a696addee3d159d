import { LRUCache } from 'lru-cache';

export interface DedupeOptions {
  /** How long repeats are suppressed after a finding was sent. */
  windowNs: bigint;
  maxEntries: number;
}

export interface DedupeIdentity {
  key: string;
  ruleId: string;
  containerId: string;
}

/** Findings that were not sent, of one key. */
export interface SuppressedFindings extends DedupeIdentity {
  /** The finding they are repeats of. */
  findingId: string;
  count: bigint;
}

interface Entry extends SuppressedFindings {
  windowStartKtimeNs: bigint;
}

export type Admission = { admitted: true; suppressedCount: bigint } | { admitted: false };

/** A key is remembered for this many windows after its last finding. */
const retainedWindows = 10n;

/**
 * Lets the first finding of a key through and counts its repeats for a window; the next one after it carries their number.
 * Bounded: the key that was used least recently gives way, and its count is kept for `flush`.
 */
export class DedupeTable {
  readonly #windowNs: bigint;
  readonly #maxEvicted: number;
  readonly #entries: LRUCache<string, Entry>;
  #evicted: SuppressedFindings[] = [];
  #uncounted = 0n;

  constructor(options: DedupeOptions) {
    this.#windowNs = options.windowNs;
    this.#maxEvicted = options.maxEntries;
    this.#entries = new LRUCache({
      max: options.maxEntries,
      dispose: (entry, _key, reason) => {
        if (reason === 'evict') this.#keepCount(entry);
      },
    });
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Suppressed findings whose key was lost because too many keys gave way between two flushes. */
  get uncounted(): bigint {
    return this.#uncounted;
  }

  /** `findingId` becomes the one that repeats belong to if it is admitted. */
  admit(identity: DedupeIdentity, ktimeNs: bigint, findingId: string): Admission {
    const entry = this.#entries.get(identity.key);
    if (entry !== undefined && ktimeNs - entry.windowStartKtimeNs < this.#windowNs) {
      entry.count++;
      return { admitted: false };
    }
    const suppressedCount = entry?.count ?? 0n;
    const { key, ruleId, containerId } = identity;
    this.#entries.set(key, { key, ruleId, containerId, findingId, count: 0n, windowStartKtimeNs: ktimeNs });
    return { admitted: true, suppressedCount };
  }

  /**
   * Takes the counts that no later finding will carry: of keys that gave way, and of keys whose last finding is so long
   * ago that the next one counts as a first. Until then the count waits for the next finding.
   */
  flush(nowKtimeNs: bigint): SuppressedFindings[] {
    const flushed = this.#evicted;
    this.#evicted = [];
    for (const entry of [...this.#entries.values()]) {
      if (nowKtimeNs - entry.windowStartKtimeNs < this.#windowNs * retainedWindows) continue;
      if (entry.count > 0n) flushed.push(withoutTimes(entry));
      this.#entries.delete(entry.key);
    }
    return flushed;
  }

  #keepCount(entry: Entry): void {
    if (entry.count === 0n) return;
    if (this.#evicted.length < this.#maxEvicted) this.#evicted.push(withoutTimes(entry));
    else this.#uncounted += entry.count;
  }
}

function withoutTimes({ key, ruleId, containerId, findingId, count }: Entry): SuppressedFindings {
  return { key, ruleId, containerId, findingId, count };
}
