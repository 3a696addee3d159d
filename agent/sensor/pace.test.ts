import { describe, expect, it, vi } from 'vitest';
import { Pace } from './pace.ts';

describe('Pace', () => {
  it('waits for the interval each time it is asked, and not more', async () => {
    vi.useFakeTimers();
    try {
      const pace = new Pace(4);
      let waits = 0;
      const walk = (async () => {
        for (; waits < 3; waits++) await pace.wait();
      })();
      await vi.advanceTimersByTimeAsync(3);
      expect(waits).toBe(0);
      await vi.advanceTimersByTimeAsync(1);
      expect(waits).toBe(1);
      await vi.advanceTimersByTimeAsync(8);
      expect(waits).toBe(3);
      await walk;
      pace.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends the wait when it is closed', async () => {
    const pace = new Pace(1_000_000);
    const wait = pace.wait();
    pace.close();
    await wait;
  });
});
