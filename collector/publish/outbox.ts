import { Backoff } from '../../common/backoff.ts';
import { Episode } from '../../common/episode.ts';
import { CodedError, errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Store, StoredAlert } from '../store/store.ts';
import type { AlertSink } from './alert-sink.ts';

export interface OutboxOptions {
  store: Pick<Store, 'readOutbox' | 'markPublished' | 'outboxSize'>;
  sink: AlertSink;
  /** Alerts sent and not yet acknowledged; 256. */
  maxInFlight?: number;
  backoff?: { initialMs: number; maxMs: number };
  logger: Logger;
  metrics: Metrics;
  now?: () => number;
}

const measureIntervalMs = 2000;

/**
 * Carries alerts from the store to the sink. An alert leaves the store's outbox only after the sink has confirmed it, so
 * it survives crashes of either side; it may be sent twice then, and is recognised by its id.
 *
 *   store.readOutbox → in flight (≤ maxInFlight) → sink.publish → confirmed → store.markPublished
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #maxInFlight: number;
  readonly #now: () => number;
  readonly #backoff: Backoff;
  readonly #sending: Episode;
  readonly #marking: Episode;
  readonly #meters: OutboxMeters;
  /** Sent or confirmed, and not yet marked in the store. */
  readonly #inFlight = new Set<string>();
  #confirmed: string[] = [];
  #markScheduled = false;
  /** The store may hold more than what is in flight; so after a start. */
  #behind = true;
  #retryTimer: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #measuring: NodeJS.Timeout;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#maxInFlight = options.maxInFlight ?? 256;
    this.#now = options.now ?? Date.now;
    this.#backoff = new Backoff(options.backoff ?? { initialMs: 200, maxMs: 15_000 });
    this.#sending = new Episode(options.logger, 'publishing alerts');
    this.#marking = new Episode(options.logger, 'marking alerts as published');
    this.#meters = outboxMeters(options.metrics);
    options.sink.onConnected(() => this.#reconnected());
    this.#measuring = setInterval(() => this.#measure(), measureIntervalMs).unref();
  }

  /** Why alerts do not get out at the moment. */
  get failing(): string | undefined {
    if (this.#sending.failing) return this.#sending.reason;
    return this.#marking.failing ? this.#marking.reason : undefined;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /**
   * There may be something new: `fresh`, just stored, is sent without a detour while the outbox keeps up; anything else
   * is read from the store. Returns at once.
   */
  notify(fresh: readonly StoredAlert[] = []): void {
    const free = this.#maxInFlight - this.#inFlight.size;
    if (this.#behind || !this.#canSend || fresh.length > free) {
      this.#behind = true;
      this.#catchUp();
    } else for (const alert of fresh) void this.#send(alert);
  }

  get #canSend(): boolean {
    return !this.#closed && this.#retryTimer === undefined && this.#options.sink.connected;
  }

  /** Reads from the store once half of the room is free: a read answers what is in flight as well. */
  #catchUp(): void {
    const free = this.#maxInFlight - this.#inFlight.size;
    if (!this.#behind || !this.#canSend || free < this.#maxInFlight / 2) return;
    const waiting = this.#waiting(free);
    if (waiting === undefined) return;
    this.#behind = waiting.length === free;
    for (const alert of waiting) void this.#send(alert);
  }

  /** Resolves when the outbox is empty, or at the deadline. */
  async drain(deadlineMs: number): Promise<boolean> {
    const deadline = this.#now() + deadlineMs;
    while (this.#options.store.outboxSize() > 0) {
      const leftMs = deadline - this.#now();
      if (leftMs <= 0 || !this.#options.sink.connected) return false;
      this.notify();
      await new Promise((resolve) => setTimeout(resolve, Math.min(leftMs, 10)));
    }
    return true;
  }

  close(): void {
    this.#mark();
    this.#closed = true;
    clearInterval(this.#measuring);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
  }

  /** The oldest alerts that are not under way. */
  #waiting(limit: number): StoredAlert[] | undefined {
    try {
      const oldest = this.#options.store.readOutbox(this.#inFlight.size + limit);
      return oldest.filter((alert) => !this.#inFlight.has(alert.alertId)).slice(0, limit);
    } catch (error) {
      this.#sending.failed(`the store cannot be read: ${errorText(error)}`);
      this.#retryLater();
      return undefined;
    }
  }

  async #send(alert: StoredAlert): Promise<void> {
    this.#inFlight.add(alert.alertId);
    try {
      await this.#options.sink.publish(alert);
      this.#meters.published.inc();
      this.#meters.delivery.observe(Math.max(this.#now() - alert.timeUnixMs, 0) / 1000);
      this.#sending.recovered();
      this.#backoff.reset();
      this.#confirm(alert.alertId);
    } catch (error) {
      this.#failed(alert, error);
    }
  }

  #failed(alert: StoredAlert, error: unknown): void {
    const refused = error instanceof CodedError && error.code === 'sink-refused';
    this.#meters.failures.inc({ reason: refused ? 'refused' : 'unavailable' });
    if (refused) {
      const { alertId } = alert;
      this.#options.logger.error({ alertId, reason: errorText(error) }, 'an alert was refused; it stays in the store');
      this.#confirm(alertId);
      return;
    }
    this.#inFlight.delete(alert.alertId);
    this.#behind = true;
    this.#sending.failed(errorText(error));
    this.#retryLater();
  }

  /** Confirmations of one turn of the event loop are marked in one transaction. */
  #confirm(alertId: string): void {
    this.#confirmed.push(alertId);
    if (this.#markScheduled || this.#closed) return;
    this.#markScheduled = true;
    setImmediate(() => {
      this.#markScheduled = false;
      this.#mark();
      this.#catchUp();
    });
  }

  #mark(): void {
    if (this.#closed || this.#confirmed.length === 0) return;
    try {
      this.#options.store.markPublished(this.#confirmed, this.#now());
    } catch (error) {
      this.#marking.failed(`the store cannot be written: ${errorText(error)}`);
      this.#retryLater();
      return;
    }
    this.#marking.recovered();
    for (const alertId of this.#confirmed) this.#inFlight.delete(alertId);
    this.#confirmed = [];
  }

  #measure(): void {
    try {
      const [oldest] = this.#options.store.readOutbox(1);
      this.#meters.waiting.set(this.#options.store.outboxSize());
      this.#meters.lag.set(oldest === undefined ? 0 : Math.max(this.#now() - oldest.timeUnixMs, 0) / 1000);
    } catch (error) {
      this.#sending.failed(`the store cannot be read: ${errorText(error)}`);
    }
  }

  #retryLater(): void {
    if (this.#closed || this.#retryTimer !== undefined) return;
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.#mark();
      this.#catchUp();
    }, this.#backoff.nextDelayMs());
    this.#retryTimer.unref();
  }

  #reconnected(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#backoff.reset();
    this.#behind = true;
    this.#mark();
    this.#catchUp();
  }
}

type OutboxMeters = ReturnType<typeof outboxMeters>;

function outboxMeters(metrics: Metrics) {
  return {
    published: metrics.counter('alerts_published_total', 'Alerts the message broker has confirmed.'),
    failures: metrics.counter('alert_publish_failures_total', 'Attempts to publish an alert that failed.', ['reason']),
    waiting: metrics.gauge('outbox_alerts', 'Alerts that wait for the message broker.'),
    lag: metrics.gauge('outbox_lag_seconds', 'Age of the oldest alert that waits for the message broker.'),
    delivery: metrics.histogram(
      'alert_delivery_seconds',
      'From the event on the node to the confirmation of the message broker.',
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 600],
    ),
  };
}
