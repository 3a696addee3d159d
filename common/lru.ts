import { LRUCache } from 'lru-cache';

/**
 * Remembers at most `max` entries and forgets the least recently used. Unlike an LRUCache with `max`, it takes its memory as
 * it fills: most nodes never fill a bound that is meant for the largest.
 */
export function growingLru<K extends {}, V extends {}>(
  max: number,
  dispose?: (value: V, key: K, reason: LRUCache.DisposeReason) => void,
): LRUCache<K, V> {
  return new LRUCache<K, V>({ maxSize: max, sizeCalculation: () => 1, ...(dispose === undefined ? {} : { dispose }) });
}
