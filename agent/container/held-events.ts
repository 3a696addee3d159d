import type { DetectableEvent } from '../detect/attributed-event.ts';
import type { ProcessExecution } from '../process/process.ts';

export interface HeldEvent {
  event: DetectableEvent;
  execution: ProcessExecution | undefined;
}

export interface HeldQueue {
  /** Container id, or the cgroup while not even that is known. */
  readonly key: string;
  readonly cgroupId: bigint;
  readonly heldSinceMs: number;
  readonly events: HeldEvent[];
}

/** Events that wait until it is known whose they are: a queue for each container, all together bounded. */
export class HeldEvents {
  readonly #maxEvents: number;
  /** In the order in which the queues began. */
  readonly #queues = new Map<string, HeldQueue>();
  #count = 0;

  constructor(maxEvents: number) {
    this.#maxEvents = maxEvents;
  }

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count >= this.#maxEvents;
  }

  has(key: string): boolean {
    return this.#queues.has(key);
  }

  hold(key: string, held: HeldEvent, nowMs: number): void {
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = { key, cgroupId: held.event.cgroupId, heldSinceMs: nowMs, events: [] };
      this.#queues.set(key, queue);
    }
    queue.events.push(held);
    this.#count++;
  }

  take(key: string): HeldQueue | undefined {
    const queue = this.#queues.get(key);
    if (queue === undefined) return undefined;
    this.#queues.delete(key);
    this.#count -= queue.events.length;
    return queue;
  }

  /** The queue that began first. */
  oldest(): HeldQueue | undefined {
    return this.#queues.values().next().value;
  }

  /** All queues, oldest first. */
  queues(): HeldQueue[] {
    return [...this.#queues.values()];
  }
}
