import type { Item } from '../../proto/generated/tallyman/v1/uplink.ts';

/** One thing to report to the collector. */
export type UplinkItem = NonNullable<Item['item']>;

/** What the agent's stages see of the uplink. */
export interface UplinkSender {
  /** False when the bounded queue is full and the item was dropped; the drop is counted and becomes a gap. */
  send(item: UplinkItem): boolean;
}
