import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';

/** What was lost, without its bounds. */
export interface Loss {
  hop: string;
  type: string;
  reason: string;
  count: bigint;
  fromUnixNs: bigint;
  toUnixNs: bigint;
  containerIds: readonly string[];
}

const maxEntries = 256;
const maxContainerIds = 64;

/**
 * Adds up what could not be kept until it can be told. Exact in counts and in time window; of the containers concerned it
 * keeps the first 64, of the (hop, type, reason) triples the first 256, behind which everything falls into one.
 */
export class GapLedger {
  readonly #gaps = new Map<string, Gap>();

  get size(): number {
    return this.#gaps.size;
  }

  add(loss: Loss): void {
    let key = keyOf(loss);
    let kind: Pick<Gap, 'hop' | 'type' | 'reason'> = loss;
    if (!this.#gaps.has(key) && this.#gaps.size >= maxEntries) {
      kind = { hop: 'uplink-queue', type: 'other', reason: 'too many kinds of gaps' };
      key = keyOf(kind);
    }
    const gap = this.#gaps.get(key) ?? newGap(kind, loss);
    gap.count += loss.count;
    if (loss.fromUnixNs < gap.fromUnixNs) gap.fromUnixNs = loss.fromUnixNs;
    if (loss.toUnixNs > gap.toUnixNs) gap.toUnixNs = loss.toUnixNs;
    for (const id of loss.containerIds)
      if (gap.containerIds.length < maxContainerIds && !gap.containerIds.includes(id)) gap.containerIds.push(id);
    this.#gaps.set(key, gap);
  }

  /** Takes at most `limit` gaps out. */
  take(limit: number): Gap[] {
    const taken: Gap[] = [];
    for (const [key, gap] of this.#gaps) {
      if (taken.length >= limit) break;
      this.#gaps.delete(key);
      taken.push(gap);
    }
    return taken;
  }
}

function keyOf(kind: Pick<Gap, 'hop' | 'type' | 'reason'>): string {
  return JSON.stringify([kind.hop, kind.type, kind.reason]);
}

function newGap(kind: Pick<Gap, 'hop' | 'type' | 'reason'>, loss: Loss): Gap {
  const { hop, type, reason } = kind;
  return { hop, type, reason, count: 0n, fromUnixNs: loss.fromUnixNs, toUnixNs: loss.toUnixNs, containerIds: [] };
}
