import type { Metrics } from '../../common/metrics.ts';
import type { BaselineStore } from '../baseline/baseline-store.ts';
import type { AttributedEvent } from './attributed-event.ts';
import { hasBaselineFields } from './baseline-fields.ts';

export interface AwaitedEventsOptions {
  store: Pick<BaselineStore, 'of' | 'keyOf'>;
  /** CLOCK_BOOTTIME. */
  nowKtimeNs: () => bigint;
  metrics: Metrics;
  /** How long an event waits for the baseline of its container. Default 60 s. */
  waitMs?: number;
  /** Of one container. Default 256. */
  maxPerContainer?: number;
  /** Of all containers. Default 8192. */
  maxEvents?: number;
}

interface Waiting {
  key: string;
  events: AttributedEvent[];
}

/**
 * What containers did before the collector told their baseline: it comes some moments after a container has started, and what
 * happens in its first second shall not stay unjudged. Only what is new of a container is kept, and each only for a while.
 */
export class AwaitedEvents {
  readonly #options: AwaitedEventsOptions;
  readonly #waitNs: bigint;
  readonly #byContainer = new Map<string, Waiting>();
  readonly #outcomes;
  #size = 0;

  constructor(options: AwaitedEventsOptions) {
    this.#options = options;
    this.#waitNs = BigInt(options.waitMs ?? 60_000) * 1_000_000n;
    const { metrics } = options;
    this.#outcomes = metrics.counter(
      'baseline_awaiting_events_total',
      'Events that waited for the baseline of their container: judged, expired, or without room to wait.',
      ['outcome'],
    );
  }

  get size(): number {
    return this.#size;
  }

  /** Keeps an event that tells something new of a container whose baseline has not been told. */
  hold(input: AttributedEvent): void {
    const { store, maxPerContainer = 256, maxEvents = 8_192 } = this.#options;
    if (!hasBaselineFields(input.event.kind)) return;
    const key = store.keyOf(input.container);
    if (key === undefined || store.of(input.container) !== undefined) return;
    const waiting = this.#byContainer.get(input.container.id) ?? { key, events: [] };
    if (this.#size >= maxEvents) this.expire();
    if (waiting.events.length >= maxPerContainer || this.#size >= maxEvents) {
      this.#outcomes.inc({ outcome: 'no-room' });
      return;
    }
    // A container that was renamed has another one now.
    waiting.key = key;
    waiting.events.push(input);
    this.#size++;
    this.#byContainer.set(input.container.id, waiting);
  }

  /** What waited for a baseline that is there now, oldest first. */
  take(key: string): AttributedEvent[] {
    this.expire();
    const taken: AttributedEvent[] = [];
    for (const [containerId, waiting] of this.#byContainer) {
      if (waiting.key !== key) continue;
      this.#byContainer.delete(containerId);
      this.#size -= waiting.events.length;
      for (const event of waiting.events) taken.push(event);
    }
    if (taken.length > 0) this.#outcomes.inc({ outcome: 'judged' }, taken.length);
    return taken;
  }

  /** Lets go of what has waited long enough; to be called now and then. */
  expire(): void {
    const before = this.#options.nowKtimeNs() - this.#waitNs;
    for (const [containerId, waiting] of this.#byContainer) {
      const kept = waiting.events.filter(({ event }) => event.ktimeNs >= before);
      const expired = waiting.events.length - kept.length;
      if (expired === 0) continue;
      this.#size -= expired;
      this.#outcomes.inc({ outcome: 'expired' }, expired);
      waiting.events = kept;
      if (kept.length === 0) this.#byContainer.delete(containerId);
    }
  }
}
