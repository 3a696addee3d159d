import { describe, expect, it } from 'vitest';
import { createWallClock } from './wall-clock.ts';

describe('createWallClock', () => {
  it('places times since boot on the wall clock and follows its steps', () => {
    let nowMs = 0;
    let realOffsetNs = 1_700_000_000_000_000_000n;
    const bootNs = (): bigint => BigInt(nowMs) * 1_000_000n + 5_000n;
    const clock = createWallClock({
      readBoottimeNs: bootNs,
      readRealtimeNs: () => bootNs() + realOffsetNs,
      resampleMs: 2000,
      nowMs: () => nowMs,
    });
    expect(clock.unixNs(123n)).toBe(1_700_000_000_000_000_123n);
    realOffsetNs -= 3_600_000_000_000n;
    nowMs = 1999;
    expect(clock.unixNs(123n)).toBe(1_700_000_000_000_000_123n);
    nowMs = 2000;
    expect(clock.unixNs(123n)).toBe(1_699_996_400_000_000_123n);
  });

  it('uses the measurement that was disturbed least', () => {
    // Three samples: before, real, after. The second one was interrupted for the shortest time.
    const boot = [0n, 1000n, 2000n, 2010n, 3000n, 3500n];
    const real = [100_900n, 102_005n, 103_400n];
    const clock = createWallClock({
      readBoottimeNs: () => boot.shift() ?? 0n,
      readRealtimeNs: () => real.shift() ?? 0n,
      nowMs: () => 0,
    });
    expect(clock.unixNs(0n)).toBe(100_000n);
  });
});
