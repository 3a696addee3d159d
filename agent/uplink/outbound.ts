import { errorText } from '../../common/errors.ts';
import { GapLedger } from './gap-ledger.ts';
import { ItemQueue, type ItemType, type WaitingItem } from './item-queue.ts';
import type { UplinkItem } from './sender.ts';
import type { UplinkMetrics } from './uplink-metrics.ts';
import { encodeItem } from './wire.ts';

export interface OutboundOptions {
  maxQueueItems: number;
  maxQueueBytes: number;
  lingerMs: number;
  /** Bytes held by unacknowledged batches. */
  reservedBytes(): number;
  /** Called when something is to be sent now. */
  due(): void;
  metrics: UplinkMetrics;
}

export const maxBatchItems = 256;
/** A quarter of the collector's message limit. */
export const maxBatchBytes = 1024 * 1024;
const maxGapsPerBatch = 32;
const urgent: ReadonlySet<ItemType> = new Set(['finding', 'executionEnded']);

/** What waits to be sent, and when it is due: at once for findings, with company or after a moment for the rest. */
export class Outbound {
  readonly #options: OutboundOptions;
  readonly #queue: ItemQueue;
  readonly #ledger = new GapLedger();
  #linger: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #due = false;

  constructor(options: OutboundOptions) {
    this.#options = options;
    this.#queue = new ItemQueue({
      maxItems: options.maxQueueItems,
      maxBytes: options.maxQueueBytes,
      dropped: (item) => this.#lost(item, 'queue-full'),
    });
  }

  /** Waiting items; what was lost and is still to be told counts as one per kind. */
  get size(): number {
    return this.#queue.size + this.#ledger.size;
  }

  add(item: UplinkItem): boolean {
    const waiting = this.#encode(item);
    if (waiting === undefined || !this.#queue.push(waiting, this.#options.reservedBytes())) return false;
    this.#options.metrics.accepted.inc({ type: waiting.type });
    if (urgent.has(waiting.type) || this.#queue.size >= maxBatchItems) this.hurry();
    else this.#linger ??= setTimeout(() => this.#fallDue(), this.#options.lingerMs);
    return true;
  }

  /** Sends what is there after the current turn of the event loop, so that what happens together goes together. */
  hurry(): void {
    this.#immediate ??= setImmediate(() => this.#fallDue());
  }

  /** The encoded items of the next batch; empty when nothing is due. */
  takeDue(): Uint8Array[] {
    if (!this.#due) return [];
    const items = this.#queue.take(maxBatchItems, maxBatchBytes).map((item) => item.bytes);
    // There is room now: gaps go with the next batch.
    for (const gap of this.#ledger.take(maxGapsPerBatch)) items.push(encodeItem({ $case: 'gap', value: gap }));
    if (items.length === 0) this.#due = false;
    return items;
  }

  close(): void {
    clearTimeout(this.#linger);
    clearImmediate(this.#immediate);
  }

  #fallDue(): void {
    clearTimeout(this.#linger);
    clearImmediate(this.#immediate);
    this.#linger = undefined;
    this.#immediate = undefined;
    this.#due = true;
    this.#options.due();
  }

  #encode(item: UplinkItem): WaitingItem | undefined {
    const waiting: WaitingItem = {
      type: item.$case,
      severity: item.$case === 'finding' ? item.value.severity : undefined,
      bytes: new Uint8Array(),
      sentAtUnixNs: BigInt(Date.now()) * 1_000_000n,
      containerId: containerIdOf(item),
      gap: item.$case === 'gap' ? item.value : undefined,
    };
    try {
      waiting.bytes = encodeItem(item);
    } catch (thrown) {
      this.#lost(waiting, 'not-encodable', errorText(thrown));
      return undefined;
    }
    if (waiting.bytes.byteLength <= maxBatchBytes) return waiting;
    this.#lost(waiting, 'too-large');
    return undefined;
  }

  #lost(item: WaitingItem, reason: 'queue-full' | 'too-large' | 'not-encodable', detail?: string): void {
    this.#options.metrics.dropped.inc({ type: item.type, reason });
    if (item.gap !== undefined) this.#ledger.add(item.gap);
    else
      this.#ledger.add({
        hop: 'uplink-queue',
        type: wireNames[item.type],
        reason: detail === undefined ? reason : `${reason}: ${detail.slice(0, 200)}`,
        count: 1n,
        fromUnixNs: item.sentAtUnixNs,
        toUnixNs: item.sentAtUnixNs,
        containerIds: item.containerId === undefined ? [] : [item.containerId],
      });
    // Told even if nothing else is sent any more.
    this.#linger ??= setTimeout(() => this.#fallDue(), this.#options.lingerMs);
  }
}

const wireNames: Record<ItemType, string> = {
  finding: 'finding',
  observation: 'observation',
  containerUpdate: 'container-update',
  executionEnded: 'execution-ended',
  gap: 'gap',
  agentStatus: 'agent-status',
  findingRepeats: 'finding-repeats',
};

function containerIdOf(item: UplinkItem): string | undefined {
  switch (item.$case) {
    case 'finding':
    case 'containerUpdate':
      return item.value.container?.id;
    case 'observation':
    case 'executionEnded':
    case 'findingRepeats':
      return item.value.containerId;
    default:
      return undefined;
  }
}
