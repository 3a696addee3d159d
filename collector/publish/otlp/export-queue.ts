import { Backoff, sleep } from '../../../common/backoff.ts';
import { BoundedQueue } from '../../../common/bounded-queue.ts';
import type { Episode } from '../../../common/episode.ts';
import type { ExportOutcome } from './exporters.ts';

export interface ExportQueueOptions<T> {
  /** Items that wait for the endpoint; more are dropped and counted. */
  maxItems: number;
  maxBatchItems: number;
  backoff: { initialMs: number; maxMs: number };
  export(items: T[]): Promise<ExportOutcome>;
  episode: Episode;
  exported(count: number): void;
  dropped(count: number, reason: 'queue-full' | 'refused' | 'closed'): void;
  failed(): void;
}

/**
 * Sends items in order, one batch under way at a time. A batch that fails is tried again with back-off until the endpoint
 * takes it; a batch that is refused is halved until the one item that is to blame is found and dropped.
 *
 *   push → [ bounded queue ] → batch (kept until it is exported or refused) → export
 */
export class ExportQueue<T> {
  readonly #options: ExportQueueOptions<T>;
  readonly #waiting: BoundedQueue<T>;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  #underWayCount = 0;
  #running: Promise<void> | undefined;

  constructor(options: ExportQueueOptions<T>) {
    this.#options = options;
    this.#waiting = new BoundedQueue(options.maxItems);
    this.#backoff = new Backoff(options.backoff);
  }

  /** Items not exported yet. */
  get size(): number {
    return this.#waiting.size + this.#underWayCount;
  }

  push(item: T): void {
    if (this.#stop.signal.aborted) this.#options.dropped(1, 'closed');
    else if (!this.#waiting.push(item)) this.#options.dropped(1, 'queue-full');
    else this.#running ??= this.#run();
  }

  /** Resolves when everything pushed so far is exported or given up, or at the deadline. */
  async flush(deadlineMs: number): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.#running, sleep(deadlineMs, over.signal)]);
    over.abort();
  }

  /** Drops what is left. */
  close(): void {
    this.#stop.abort();
    const left = this.#waiting.drain(this.#waiting.capacity).length;
    if (left > 0) this.#options.dropped(left, 'closed');
  }

  async #run(): Promise<void> {
    // Items of one turn of the event loop travel together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.size > 0) {
      const batch = this.#waiting.drain(this.#options.maxBatchItems);
      this.#underWayCount = batch.length;
      await this.#send(batch);
      this.#underWayCount = 0;
    }
    this.#running = undefined;
  }

  async #send(batch: T[]): Promise<void> {
    for (;;) {
      const outcome = await this.#options.export(batch);
      if (outcome.kind === 'exported') return this.#succeeded(batch.length);
      this.#options.failed();
      this.#options.episode.failed(outcome.reason);
      if (outcome.kind === 'refused') return this.#halve(batch);
      await sleep(this.#backoff.nextDelayMs(), this.#stop.signal);
      if (this.#stop.signal.aborted) return this.#options.dropped(batch.length, 'closed');
    }
  }

  #succeeded(count: number): void {
    this.#options.exported(count);
    this.#options.episode.recovered();
    this.#backoff.reset();
  }

  async #halve(batch: T[]): Promise<void> {
    if (batch.length <= 1) return this.#options.dropped(batch.length, 'refused');
    const middle = Math.ceil(batch.length / 2);
    await this.#send(batch.slice(0, middle));
    await this.#send(batch.slice(middle));
  }
}
