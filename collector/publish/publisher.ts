import { CodedError, errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { ExecutionEnded, FindingRepeats } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { Alert } from '../decide/alert.ts';
import type { Store, StoredAlert } from '../store/store.ts';
import type { AlertSink } from './alert-sink.ts';
import { defaultMaxEventBytes, formatAlert, minMaxEventBytes } from './format-alert.ts';
import { formatDecision, isAlertable } from './format-decision.ts';
import { formatEnd } from './format-end.ts';
import { formatRepeats } from './format-repeats.ts';
import { createNatsSink, type NatsOptions } from './nats.ts';
import { createOtlpSink, type OtlpOptions, type OtlpSink } from './otlp/otlp-sink.ts';
import { Outbox } from './outbox.ts';

export type PublisherStore = Pick<
  Store,
  | 'putAlerts'
  | 'getAlert'
  | 'getAlertSource'
  | 'putDecision'
  | 'putRepeats'
  | 'readOutbox'
  | 'markPublished'
  | 'outboxSize'
>;

export interface PublisherOptions {
  store: PublisherStore;
  /** Without it alerts are stored only. */
  nats?: NatsOptions;
  otlp?: OtlpOptions;
  /** 512 KiB; at least 256 KiB. */
  maxEventBytes?: number;
  logger: Logger;
  metrics: Metrics;
}

export interface PublisherStatus {
  nats: { configured: boolean; connected: boolean; failing: string | undefined };
  /** Alerts NATS has not confirmed yet. */
  outboxAlerts: number;
  otlp: { configured: boolean; failing: string | undefined; queued: number };
}

export type AlertListener = (alert: Alert, stored: StoredAlert) => void;

export interface Publisher {
  /**
   * Stores the alerts and hands them to the sinks; returns the new ones as they were stored, and does not wait for
   * anybody. An alert that was published before is left alone. Decisions to `record` are stored and not sent, decisions
   * to `ignore` only counted.
   *
   * @throws what the store throws: then nothing has been published and the caller tries again.
   */
  publish(alerts: readonly Alert[]): StoredAlert[];
  /**
   * An alert has come again: kept with it, and told to subscribers. What is known already changes nothing; neither does
   * what belongs to no alert (ignored by policy, lost, or too old), which is only counted.
   *
   * @throws as `publish` does
   */
  repeated(repeats: FindingRepeats): void;
  /**
   * What an alert says does not hold any more: kept beside it, and told to subscribers who were told the alert. An alert
   * that is gone is left alone.
   *
   * @throws as `publish` does
   */
  ended(alertId: string, reason: string): void;
  /**
   * An alert was decided again, from the same finding: kept in place of the former decision, and told to subscribers.
   * `because` says what changed. False when the alert is gone.
   *
   * @throws as `publish` does
   */
  decidedAgain(alert: Alert, because: readonly string[]): boolean;
  /** For every report, also before the alert it belongs to: a process may be gone before the papers are found. */
  executionEnded(ended: ExecutionEnded): void;
  /** Called for each new alert in this process; returns the way out. */
  subscribe(listener: AlertListener): () => void;
  status(): PublisherStatus;
  /** Gives the sinks until the deadline to take what is there; 5000. What is left in the outbox stays in the store. */
  close(deadlineMs?: number): Promise<void>;
}

/** @throws CodedError<'otlp-endpoint-invalid' | 'nats-url-invalid' | 'event-bound-invalid'>; an endpoint that is only away is no error. */
export async function createPublisher(options: PublisherOptions): Promise<Publisher> {
  const { logger, metrics, maxEventBytes = defaultMaxEventBytes } = options;
  if (maxEventBytes < minMaxEventBytes)
    throw new CodedError('event-bound-invalid', `events of ${maxEventBytes} bytes are too small to say anything`, {
      hint: `allow at least ${minMaxEventBytes} bytes`,
    });
  const nats = options.nats === undefined ? undefined : createNatsSink(options.nats, logger);
  try {
    const otlp = options.otlp === undefined ? undefined : await createOtlpSink(options.otlp, logger, metrics);
    return new AlertPublisher(options, nats, otlp);
  } catch (error) {
    await nats?.close();
    throw error;
  }
}

class AlertPublisher implements Publisher {
  readonly #options: PublisherOptions;
  readonly #nats: AlertSink | undefined;
  readonly #outbox: Outbox | undefined;
  readonly #otlp: OtlpSink | undefined;
  readonly #listeners = new Set<AlertListener>();
  readonly #alerts;
  readonly #repeats;

  constructor(options: PublisherOptions, nats: AlertSink | undefined, otlp: OtlpSink | undefined) {
    const { store, logger, metrics } = options;
    this.#options = options;
    this.#nats = nats;
    this.#otlp = otlp;
    this.#outbox = nats === undefined ? undefined : new Outbox({ store, sink: nats, logger, metrics });
    this.#alerts = metrics.counter('alerts_total', 'Decisions by what became of them.', ['action', 'severity']);
    this.#repeats = metrics.counter(
      'alert_repeats_total',
      'Reports that an alert has come again, by what became of them.',
      ['result'],
    );
    this.#outbox?.notify();
  }

  publish(alerts: readonly Alert[]): StoredAlert[] {
    const { store, maxEventBytes = defaultMaxEventBytes } = this.#options;
    const kept = alerts.filter((alert) => alert.decision.action !== 'ignore');
    const known = new Set(kept.filter((alert) => store.getAlert(alert.alertId) !== undefined).map((a) => a.alertId));
    const formatted = kept.map((alert) => ({ alert, stored: formatAlert(alert, maxEventBytes) }));
    store.putAlerts(formatted.map(({ stored }) => stored));
    this.#keepBack(formatted.map(({ alert }) => alert).filter((alert) => !known.has(alert.alertId)));
    for (const alert of alerts) this.#alerts.inc({ action: alert.decision.action, severity: alert.decision.severity });
    const fresh = firstOfEach(formatted, known);
    this.#outbox?.notify(
      formatted.filter(({ alert, stored }) => isNew(alert, stored, fresh)).map(({ stored }) => stored),
    );
    for (const { alert, stored } of formatted) if (alert.decision.action === 'alert') this.#hand(alert, stored, fresh);
    return [...fresh.values()];
  }

  repeated(repeats: FindingRepeats): void {
    const { store } = this.#options;
    const alert = store.getAlert(repeats.findingId);
    if (alert === undefined) {
      this.#repeats.inc({ result: 'no-alert' });
      return;
    }
    const told = {
      count: Number(repeats.count),
      firstUnixMs: Number(repeats.firstUnixNs / 1_000_000n),
      lastUnixMs: Number(repeats.lastUnixNs / 1_000_000n),
    };
    const update = formatRepeats(alert, told, Date.now());
    const publish = this.#outbox !== undefined && isAlertable(alert);
    const isNews = store.putRepeats({ ...told, alertId: alert.alertId, updateEvent: update.cloudEvent, publish });
    this.#repeats.inc({ result: isNews ? 'told' : 'known' });
    if (isNews && publish) this.#outbox?.notify([update]);
  }

  ended(alertId: string, reason: string): void {
    const { store } = this.#options;
    const alert = store.getAlert(alertId);
    if (alert === undefined) return;
    const end = formatEnd(alert, reason, Date.now());
    store.putAlerts([end]);
    if (this.#outbox !== undefined && isAlertable(alert)) this.#outbox.notify([end]);
    else store.markPublished([end.alertId], Date.now());
  }

  decidedAgain(alert: Alert, because: readonly string[]): boolean {
    const { store, maxEventBytes = defaultMaxEventBytes } = this.#options;
    const before = store.getAlert(alert.alertId);
    const source = store.getAlertSource(alert.alertId);
    if (before === undefined || source === undefined) return false;
    const revision = source.revision + 1;
    const input = { before, alert, revision, because, nowUnixMs: Date.now(), maxEventBytes };
    const { decision, message } = formatDecision(input);
    const publish = this.#outbox === undefined ? 'none' : decision.publish;
    if (!store.putDecision({ ...decision, publish })) return false;
    if (publish !== 'none') this.#outbox?.notify([message]);
    return true;
  }

  executionEnded(ended: ExecutionEnded): void {
    this.#otlp?.executionEnded(ended);
  }

  subscribe(listener: AlertListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  status(): PublisherStatus {
    return {
      nats: {
        configured: this.#nats !== undefined,
        connected: this.#nats?.connected ?? false,
        failing: this.#nats?.failing ?? this.#outbox?.failing,
      },
      outboxAlerts: this.#options.store.outboxSize(),
      otlp: {
        configured: this.#otlp !== undefined,
        failing: this.#otlp?.failing(),
        queued: this.#otlp?.queued() ?? 0,
      },
    };
  }

  async close(deadlineMs = 5000): Promise<void> {
    await Promise.all([this.#outbox?.drain(deadlineMs), this.#otlp?.close(deadlineMs)]);
    this.#outbox?.close();
    await this.#nats?.close();
    this.#listeners.clear();
  }

  /** What goes nowhere must not wait in the outbox: recorded decisions, and everything when there is no broker. */
  #keepBack(alerts: readonly Alert[]): void {
    const held = alerts.filter((alert) => this.#outbox === undefined || alert.decision.action === 'record');
    if (held.length === 0) return;
    this.#options.store.markPublished(
      held.map((alert) => alert.alertId),
      Date.now(),
    );
  }

  /** Traces are exported again for a repeated alert (its first export may have died with the process): ids are computed. */
  #hand(alert: Alert, stored: StoredAlert, fresh: ReadonlyMap<string, StoredAlert>): void {
    this.#otlp?.publish(alert);
    if (fresh.get(alert.alertId) !== stored) return;
    for (const listener of this.#listeners) {
      try {
        listener(alert, stored);
      } catch (error) {
        this.#options.logger.error({ reason: errorText(error) }, 'a listener to alerts failed');
      }
    }
  }
}

function isNew(alert: Alert, stored: StoredAlert, fresh: ReadonlyMap<string, StoredAlert>): boolean {
  return alert.decision.action === 'alert' && fresh.get(alert.alertId) === stored;
}

function firstOfEach(
  formatted: readonly { stored: StoredAlert }[],
  known: ReadonlySet<string>,
): Map<string, StoredAlert> {
  const fresh = new Map<string, StoredAlert>();
  for (const { stored } of formatted)
    if (!known.has(stored.alertId) && !fresh.has(stored.alertId)) fresh.set(stored.alertId, stored);
  return fresh;
}
