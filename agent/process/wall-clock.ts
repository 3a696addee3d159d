import type { WallClock } from '../detect/attributed-event.ts';

export interface WallClockOptions {
  /** CLOCK_BOOTTIME, nanoseconds. */
  readBoottimeNs: () => bigint;
  /** CLOCK_REALTIME, nanoseconds. */
  readRealtimeNs: () => bigint;
  /** How old the measured distance of the two clocks may get. Default 2 s. */
  resampleMs?: number;
  /** A monotonic reading in milliseconds. */
  nowMs?: () => number;
}

const samplesPerMeasurement = 3;

/**
 * Turns times since boot into wall-clock time. The distance between the clocks is measured anew every few seconds, so
 * that it follows steps and slewing of the wall clock; results are therefore not monotonic.
 */
export function createWallClock(options: WallClockOptions): WallClock {
  const nowMs = options.nowMs ?? (() => performance.now());
  const resampleMs = options.resampleMs ?? 2000;
  let offsetNs = measureOffsetNs(options);
  let measuredAtMs = nowMs();
  return {
    unixNs(ktimeNs: bigint): bigint {
      if (nowMs() - measuredAtMs >= resampleMs) {
        offsetNs = measureOffsetNs(options);
        measuredAtMs = nowMs();
      }
      return ktimeNs + offsetNs;
    },
  };
}

/** The sample with the least time between the two boot-time readings around it was disturbed least. */
function measureOffsetNs(options: WallClockOptions): bigint {
  let bestWidthNs: bigint | undefined;
  let offsetNs = 0n;
  for (let i = 0; i < samplesPerMeasurement; i++) {
    const beforeNs = options.readBoottimeNs();
    const realNs = options.readRealtimeNs();
    const widthNs = options.readBoottimeNs() - beforeNs;
    if (bestWidthNs !== undefined && widthNs >= bestWidthNs) continue;
    bestWidthNs = widthNs;
    offsetNs = realNs - (beforeNs + widthNs / 2n);
  }
  return offsetNs;
}
