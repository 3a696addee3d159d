import { describe, expect, it } from 'vitest';
import { growingLru } from './lru.ts';

describe('growingLru', () => {
  it('forgets what was used least recently, beyond its bound', () => {
    const forgotten: string[] = [];
    const cache = growingLru<string, number>(3, (_value, key) => forgotten.push(key));
    for (const [index, key] of ['a', 'b', 'c'].entries()) cache.set(key, index);
    cache.get('a');
    cache.set('d', 3);
    expect([...cache.keys()].sort()).toEqual(['a', 'c', 'd']);
    expect(forgotten).toEqual(['b']);
    expect(cache.size).toBe(3);
  });

  it('holds nothing for entries that are not there', () => {
    const before = process.memoryUsage();
    const caches = Array.from({ length: 20 }, () => growingLru<string, number>(1_000_000));
    const after = process.memoryUsage();
    // Preallocated, they would take some 28 bytes an entry: 560 MB.
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(50_000_000);
    expect(caches.every((cache) => cache.size === 0)).toBe(true);
  });
});
