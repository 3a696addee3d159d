import { describe, expect, it } from 'vitest';
import { BoundedQueue } from './bounded-queue.ts';

describe('BoundedQueue', () => {
  it('keeps order and refuses what does not fit', () => {
    const queue = new BoundedQueue<number>(2);
    expect([queue.push(1), queue.push(2), queue.push(3)]).toEqual([true, true, false]);
    expect(queue.shift()).toBe(1);
    expect(queue.push(4)).toBe(true);
    expect(queue.drain(10)).toEqual([2, 4]);
    expect(queue.shift()).toBeUndefined();
  });

  it('stays correct over many wraps', () => {
    const queue = new BoundedQueue<number>(7);
    let next = 0;
    let expected = 0;
    for (let round = 0; round < 1000; round++) {
      for (let i = 0; i < (round % 7) + 1; i++) if (queue.push(next)) next++;
      for (let i = 0; i < (round % 5) + 1; i++) {
        const item = queue.shift();
        if (item !== undefined) expect(item).toBe(expected++);
      }
    }
    expect(next - expected).toBe(queue.size);
  });

  it('refuses a capacity that is no bound', () => {
    expect(() => new BoundedQueue(0)).toThrow(RangeError);
  });
});
