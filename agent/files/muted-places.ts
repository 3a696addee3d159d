import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import { Clock, readClockNs } from '../sensor/libc.ts';
import type { ContainerMarks, Mark } from './container-marks.ts';

export interface MutedPlacesOptions {
  onGap: (gap: Gap) => void;
  /** How long a place is left alone the first time; twice as long each time it is still busy, at most 16 times. */
  muteMs: number;
}

const maxDoublings = 4;
const calmAfterMs = 600_000;

/**
 * Keeps within bounds what one busy file or directory costs: its marks are taken away for a while, after which they come
 * back, and what was not seen is told as a gap.
 */
export class MutedPlaces {
  readonly #options: MutedPlacesOptions;
  readonly #overflows = new Map<string, { fromUnixNs: bigint; times: bigint }>();

  constructor(options: MutedPlacesOptions) {
    this.#options = options;
  }

  /** False when the event is over its place's budget and must be left out. */
  admit(marks: ContainerMarks, mark: Mark, nowMs: number): boolean {
    if (mark.muted !== undefined) {
      mark.muted.events++;
      return false;
    }
    if (mark.bucket.take(nowMs)) return true;
    if (nowMs - mark.lastMutedMs > calmAfterMs) mark.mutedTimes = 0;
    const durationMs = this.#options.muteMs * 2 ** Math.min(mark.mutedTimes, maxDoublings);
    mark.lastMutedMs = nowMs;
    marks.mute(mark, { untilMs: nowMs + durationMs, fromUnixNs: readClockNs(Clock.realtime), events: 1n });
    return false;
  }

  /** The kernel's queue of this container was full. */
  overflowed(containerId: string): void {
    const known = this.#overflows.get(containerId);
    if (known === undefined) this.#overflows.set(containerId, { fromUnixNs: readClockNs(Clock.realtime), times: 1n });
    else known.times++;
  }

  /** Tells of what is over; answers whether places of this container are to be marked again. */
  settle(marks: ContainerMarks, nowMs: number): boolean {
    const overflow = this.#overflows.get(marks.containerId);
    this.#overflows.delete(marks.containerId);
    if (overflow !== undefined) this.#tell(marks, overflow.fromUnixNs, overflow.times, 'queue-overflow');
    let isOver = false;
    for (const mark of marks.all()) {
      if (mark.muted === undefined || mark.muted.untilMs > nowMs) continue;
      const { fromUnixNs, events } = mark.muted;
      this.#tell(marks, fromUnixNs, events, `over budget: ${mark.path} was not watched; this many events at least`);
      marks.unmute(mark);
      isOver = true;
    }
    return isOver;
  }

  #tell(marks: ContainerMarks, fromUnixNs: bigint, count: bigint, reason: string): void {
    const toUnixNs = readClockNs(Clock.realtime);
    this.#options.onGap({
      hop: 'fanotify',
      type: 'file',
      count,
      fromUnixNs,
      toUnixNs,
      containerIds: [marks.containerId],
      ...{ reason, ongoing: false, totalCount: count },
    });
  }
}
