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
 * Adds up what could not be kept until it can be told. Exact in counts and in time window. Of the (hop, type, reason) triples it
 * keeps the first 256, behind which everything falls into one. What concerns more than 64 containers is told as something
 * that may concern all of them.
 */
export class GapLedger {
  readonly #gaps = new Map<string, Gap>();
  /** Gaps that name no containers because there are too many. */
  readonly #whole = new WeakSet<Gap>();

  get size(): number {
    return this.#gaps.size;
  }

  add(loss: Loss): void {
    let key = keyOf(loss, loss.containerIds);
    let kind: Pick<Gap, 'hop' | 'type' | 'reason'> = loss;
    if (!this.#gaps.has(key) && this.#gaps.size >= maxEntries) {
      kind = { hop: 'uplink-queue', type: 'other', reason: 'too many kinds of gaps' };
      key = keyOf(kind, loss.containerIds);
    }
    const gap = this.#gaps.get(key) ?? newGap(kind, loss);
    gap.count += loss.count;
    if (loss.fromUnixNs < gap.fromUnixNs) gap.fromUnixNs = loss.fromUnixNs;
    if (loss.toUnixNs > gap.toUnixNs) gap.toUnixNs = loss.toUnixNs;
    this.#addContainers(gap, loss.containerIds);
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

  #addContainers(gap: Gap, containerIds: readonly string[]): void {
    if (this.#whole.has(gap)) return;
    for (const id of containerIds) if (!gap.containerIds.includes(id)) gap.containerIds.push(id);
    if (gap.containerIds.length <= maxContainerIds) return;
    gap.containerIds = [];
    this.#whole.add(gap);
  }
}

/** What concerns any container is never added to what concerns some: it would seem to concern those only. */
function keyOf(kind: Pick<Gap, 'hop' | 'type' | 'reason'>, containerIds: readonly string[]): string {
  return JSON.stringify([kind.hop, kind.type, kind.reason, containerIds.length > 0]);
}

function newGap(kind: Pick<Gap, 'hop' | 'type' | 'reason'>, loss: Loss): Gap {
  const { hop, type, reason } = kind;
  const { fromUnixNs, toUnixNs } = loss;
  return { hop, type, reason, count: 0n, fromUnixNs, toUnixNs, containerIds: [], ongoing: false, totalCount: 0n };
}
