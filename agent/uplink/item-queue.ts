import { BoundedQueue } from '../../common/bounded-queue.ts';
import { Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { UplinkItem } from './sender.ts';

export type ItemType = UplinkItem['$case'];

/** What gives way first when there is no room: facts that are seen again before conclusions that are not, by severity. */
const leastImportantFirst = [
  'observation',
  'agentStatus',
  'executionEnded',
  'findingRepeats',
  'finding/info',
  'finding/low',
  'containerUpdate',
  'gap',
  'finding/medium',
  'finding/high',
  'finding/critical',
] as const;
type Rank = (typeof leastImportantFirst)[number];

/** Sent before anything else that waits: nothing of less weight can keep them back. */
const urgentRanks: readonly Rank[] = ['finding/critical', 'finding/high'];

/** Unless a finding says that it is less, it is treated as one of the worst. */
const findingRanks: Partial<Record<Severity, Rank>> = {
  [Severity.INFO]: 'finding/info',
  [Severity.LOW]: 'finding/low',
  [Severity.MEDIUM]: 'finding/medium',
  [Severity.HIGH]: 'finding/high',
};

/** An item as it waits: its bytes, and what is needed to tell of its loss. */
export interface WaitingItem {
  type: ItemType;
  /** Of a finding. */
  severity: Severity | undefined;
  bytes: Uint8Array;
  sentAtUnixNs: bigint;
  containerId: string | undefined;
  /** A lost gap must not take what it tells of with it. */
  gap: Gap | undefined;
}

interface Entry {
  order: number;
  item: WaitingItem;
}

export interface ItemQueueOptions {
  maxItems: number;
  maxBytes: number;
  /** Called for each item that had to give way. */
  dropped(item: WaitingItem): void;
}

/**
 * First in, first out, but findings of high and critical severity before all others; bounded by items and bytes. When full,
 * the oldest item of the least important kind gives way; of findings of one severity, the ones that are there stay: the
 * first ones of an incident tell how it began.
 */
export class ItemQueue {
  readonly #options: ItemQueueOptions;
  readonly #queues: ReadonlyMap<Rank, BoundedQueue<Entry>>;
  #nextOrder = 0;
  #size = 0;
  #sizeBytes = 0;

  constructor(options: ItemQueueOptions) {
    this.#options = options;
    this.#queues = new Map(leastImportantFirst.map((rank) => [rank, new BoundedQueue<Entry>(options.maxItems)]));
  }

  get size(): number {
    return this.#size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** False when the item itself was the one to give way. `reservedBytes` are held elsewhere and count against the bound. */
  push(item: WaitingItem, reservedBytes: number): boolean {
    const rank = rankOf(item);
    // Nothing has to give way for an item that would not fit into the empty queue.
    const hopeless = reservedBytes + item.bytes.byteLength > this.#options.maxBytes;
    while (!this.#fits(item, reservedBytes)) {
      const entry = hopeless ? undefined : this.#leastImportant(rank)?.shift();
      if (entry === undefined) {
        this.#options.dropped(item);
        return false;
      }
      this.#forget(entry.item);
      this.#options.dropped(entry.item);
    }
    this.#queues.get(rank)?.push({ order: this.#nextOrder++, item });
    this.#size++;
    this.#sizeBytes += item.bytes.byteLength;
    return true;
  }

  /** Removes the items whose turn it is, at most `maxItems` with at most `maxBytes` together, but one in any case. */
  take(maxItems: number, maxBytes: number): WaitingItem[] {
    const taken: WaitingItem[] = [];
    let takenBytes = 0;
    while (taken.length < maxItems) {
      const queue = this.#first();
      const next = queue?.peek();
      if (queue === undefined || next === undefined) break;
      takenBytes += next.item.bytes.byteLength;
      if (taken.length > 0 && takenBytes > maxBytes) break;
      queue.shift();
      this.#forget(next.item);
      taken.push(next.item);
    }
    return taken;
  }

  #fits(item: WaitingItem, reservedBytes: number): boolean {
    const { maxItems, maxBytes } = this.#options;
    return this.#size < maxItems && this.#sizeBytes + reservedBytes + item.bytes.byteLength <= maxBytes;
  }

  /** The queue that must give for an item of this rank; undefined when the item itself is the least important. */
  #leastImportant(incoming: Rank): BoundedQueue<Entry> | undefined {
    for (const rank of leastImportantFirst) {
      if (rank === incoming && rank.startsWith('finding/')) return undefined;
      const queue = this.#queues.get(rank);
      if (queue !== undefined && queue.size > 0) return queue;
      if (rank === incoming) return undefined;
    }
    return undefined;
  }

  #first(): BoundedQueue<Entry> | undefined {
    for (const rank of urgentRanks) {
      const queue = this.#queues.get(rank);
      if (queue !== undefined && queue.size > 0) return queue;
    }
    let oldest: BoundedQueue<Entry> | undefined;
    for (const queue of this.#queues.values()) {
      const head = queue.peek();
      if (head !== undefined && head.order < (oldest?.peek()?.order ?? Number.POSITIVE_INFINITY)) oldest = queue;
    }
    return oldest;
  }

  #forget(item: WaitingItem): void {
    this.#size--;
    this.#sizeBytes -= item.bytes.byteLength;
  }
}

function rankOf({ type, severity }: WaitingItem): Rank {
  if (type !== 'finding') return type;
  return (severity === undefined ? undefined : findingRanks[severity]) ?? 'finding/critical';
}
