import type { Logger } from '../../common/logger.ts';
import { Gap, type Item } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import { maxItemsPerBatch, narrowItem } from './narrow.ts';
import type { DecodedItem } from './wire.ts';

/**
 * The items of a batch that are as they must be. The others are counted, and each kind of refusal becomes a gap that is
 * stored in their place: what was refused is known to be missing, it never just is not there.
 */
export function narrowBatch(
  received: readonly DecodedItem[],
  receivedAtUnixMs: number,
  metrics: IngestMetrics,
  logger: Logger,
): Item[] {
  const items: Item[] = [];
  const gaps = new Map<string, Gap>();
  const refuse = (decoded: DecodedItem | undefined, reason: string, count = 1): void => {
    const item = decoded !== undefined && 'item' in decoded ? decoded.item : undefined;
    const type = item?.item?.$case ?? 'unknown';
    metrics.refused.inc({ type }, count);
    const key = `${type} ${reason}`;
    const gap = gaps.get(key) ?? newGap(type, reason, receivedAtUnixMs);
    gap.count += BigInt(count);
    const containerId = containerIdOf(item);
    if (containerId !== undefined && gap.containerIds.length < 64 && !gap.containerIds.includes(containerId))
      gap.containerIds.push(containerId);
    gaps.set(key, gap);
  };
  for (const decoded of received.slice(0, maxItemsPerBatch)) {
    if ('malformed' in decoded) {
      refuse(decoded, `cannot be decoded: ${decoded.malformed}`);
      continue;
    }
    const narrowed = narrowItem(decoded.item, receivedAtUnixMs);
    if ('refused' in narrowed) {
      refuse(decoded, narrowed.refused);
      continue;
    }
    const type = narrowed.value.item?.$case ?? 'unknown';
    metrics.items.inc({ type });
    if (narrowed.shortened) metrics.shortened.inc({ type });
    items.push(narrowed.value);
  }
  const excess = received.length - maxItemsPerBatch;
  if (excess > 0) refuse(undefined, `the batch has more than ${maxItemsPerBatch} items`, excess);
  for (const gap of gaps.values()) {
    logger.warn({ type: gap.type, count: Number(gap.count), reason: gap.reason }, 'malformed items refused');
    items.push({ item: { $case: 'gap', value: gap } });
  }
  return items;
}

function newGap(type: string, reason: string, atUnixMs: number): Gap {
  const atUnixNs = BigInt(atUnixMs) * 1_000_000n;
  return Gap.fromPartial({ hop: 'ingest', type, fromUnixNs: atUnixNs, toUnixNs: atUnixNs, reason });
}

function containerIdOf(item: Item | undefined): string | undefined {
  const message = item?.item;
  switch (message?.$case) {
    case 'finding':
      return shortId(message.value.container?.id);
    case 'containerUpdate':
      return shortId(message.value.container?.id);
    case 'observation':
    case 'executionEnded':
      return shortId(message.value.containerId);
    default:
      return undefined;
  }
}

function shortId(id: string | undefined): string | undefined {
  return id === undefined || id === '' || id.length > 128 ? undefined : id;
}
