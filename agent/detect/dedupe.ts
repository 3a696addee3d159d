import type { LRUCache } from 'lru-cache';
import { growingLru } from '../../common/lru.ts';
import type { Severity } from '../../proto/generated/tallyman/v1/finding.ts';

export interface DedupeOptions {
  /** How long after a finding its repeats are told for the first time. */
  firstSummaryNs: bigint;
  /** The time between two summaries doubles up to this. */
  maxSummaryNs: bigint;
  /** A key with no repeat for so long is forgotten: the next one is a finding of its own. */
  forgetNs: bigint;
  /** A finding stands for its repeats this long; then the next one is a finding of its own. */
  maxAgeNs: bigint;
  /** Keys remembered of each severity. */
  maxEntries: number;
}

export interface DedupeIdentity {
  key: string;
  ruleId: string;
  containerId: string;
  severity: Severity;
}

/** What has become of a finding since: how often it came again. A later one of the same finding replaces it. */
export interface Repeats extends DedupeIdentity {
  /** The finding they are repeats of. */
  findingId: string;
  /** All of them since the finding. */
  count: bigint;
  firstKtimeNs: bigint;
  lastKtimeNs: bigint;
}

interface Entry extends Repeats {
  admittedKtimeNs: bigint;
  /** As of the last summary. */
  toldCount: bigint;
  summaryNs: bigint;
  dueKtimeNs: bigint;
}

/**
 * Lets the first finding of a key through and counts its repeats, which are told in summaries: the first soon, the next ones
 * at growing distances. Each severity has a table of its own, so that whoever floods with findings of one severity can push
 * nothing of another out. What gives way is told with the next summaries.
 */
export class DedupeTable {
  readonly #options: DedupeOptions;
  readonly #bySeverity = new Map<Severity, LRUCache<string, Entry>>();
  #evicted: Repeats[] = [];
  #untold = 0n;

  constructor(options: DedupeOptions) {
    this.#options = options;
  }

  get size(): number {
    let size = 0;
    for (const entries of this.#bySeverity.values()) size += entries.size;
    return size;
  }

  /** Repeats that no summary tells: too many keys gave way between two looks. */
  get untold(): bigint {
    return this.#untold;
  }

  /** Whether a finding of this key would be a repeat. */
  knows({ key, severity }: Pick<DedupeIdentity, 'key' | 'severity'>, ktimeNs: bigint): boolean {
    const entry = this.#bySeverity.get(severity)?.peek(key);
    return entry !== undefined && !this.#isOver(entry, ktimeNs);
  }

  /** True for a finding to be reported; `findingId` becomes the one that repeats belong to. */
  admit(identity: DedupeIdentity, ktimeNs: bigint, findingId: string): boolean {
    const entries = this.#entriesOf(identity.severity);
    const entry = entries.get(identity.key);
    if (entry !== undefined && !this.#isOver(entry, ktimeNs)) {
      if (entry.count === 0n) entry.firstKtimeNs = ktimeNs;
      entry.count++;
      if (ktimeNs > entry.lastKtimeNs) entry.lastKtimeNs = ktimeNs;
      return false;
    }
    if (entry !== undefined) this.#keep(entry);
    const { key, ruleId, containerId, severity } = identity;
    const { firstSummaryNs } = this.#options;
    entries.set(key, {
      ...{ key, ruleId, containerId, severity, findingId },
      ...{ count: 0n, toldCount: 0n, firstKtimeNs: ktimeNs, lastKtimeNs: ktimeNs, admittedKtimeNs: ktimeNs },
      ...{ summaryNs: firstSummaryNs, dueKtimeNs: ktimeNs + firstSummaryNs },
    });
    return true;
  }

  /** Summaries that are due. */
  takeDue(nowKtimeNs: bigint): Repeats[] {
    const taken = this.#takeEvicted();
    for (const entries of this.#bySeverity.values()) {
      for (const entry of [...entries.values()]) {
        if (entry.count > entry.toldCount && nowKtimeNs >= entry.dueKtimeNs) taken.push(this.#tell(entry, nowKtimeNs));
        else if (entry.count === entry.toldCount && this.#isOver(entry, nowKtimeNs)) entries.delete(entry.key);
      }
    }
    return taken;
  }

  /** Everything that has not been told, of one container or of all. */
  takeAll(nowKtimeNs: bigint, containerId?: string): Repeats[] {
    const taken = this.#takeEvicted();
    for (const entries of this.#bySeverity.values())
      for (const entry of entries.values())
        if (entry.count > entry.toldCount && (containerId ?? entry.containerId) === entry.containerId)
          taken.push(this.#tell(entry, nowKtimeNs));
    return taken;
  }

  #entriesOf(severity: Severity): LRUCache<string, Entry> {
    let entries = this.#bySeverity.get(severity);
    if (entries === undefined) {
      entries = growingLru<string, Entry>(this.#options.maxEntries, (entry, _key, reason) => {
        if (reason === 'evict') this.#keep(entry);
      });
      this.#bySeverity.set(severity, entries);
    }
    return entries;
  }

  #isOver(entry: Entry, ktimeNs: bigint): boolean {
    const { forgetNs, maxAgeNs } = this.#options;
    return ktimeNs - entry.lastKtimeNs >= forgetNs || ktimeNs - entry.admittedKtimeNs >= maxAgeNs;
  }

  #tell(entry: Entry, nowKtimeNs: bigint): Repeats {
    const { maxSummaryNs } = this.#options;
    entry.toldCount = entry.count;
    entry.dueKtimeNs = nowKtimeNs + entry.summaryNs;
    entry.summaryNs = entry.summaryNs * 2n > maxSummaryNs ? maxSummaryNs : entry.summaryNs * 2n;
    return repeatsOf(entry);
  }

  #keep(entry: Entry): void {
    if (entry.count === entry.toldCount) return;
    if (this.#evicted.length < this.#options.maxEntries) this.#evicted.push(repeatsOf(entry));
    else this.#untold += entry.count - entry.toldCount;
  }

  #takeEvicted(): Repeats[] {
    const evicted = this.#evicted;
    this.#evicted = [];
    return evicted;
  }
}

function repeatsOf(entry: Entry): Repeats {
  const { key, ruleId, containerId, severity, findingId, count, firstKtimeNs, lastKtimeNs } = entry;
  return { key, ruleId, containerId, severity, findingId, count, firstKtimeNs, lastKtimeNs };
}
