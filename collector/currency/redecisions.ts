import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import { Node } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { Correlator } from '../correlate/correlate.ts';
import type { Alert, CorrelatedFinding, Decision } from '../decide/alert.ts';
import { createAlert } from '../decide/create-alert.ts';
import { decisionHashOf, papersHashOf } from '../decide/decision-hash.ts';
import { runningContainersOf } from '../images/image-containers.ts';
import { imageKeyOf } from '../images/image-key.ts';
import type { Store, StoredAlert } from '../store/store.ts';
import { changesOf, type PapersChange } from './paper-changes.ts';

export interface RedecisionOptions {
  store: Pick<Store, 'listContainers' | 'listAlerts' | 'getAlert' | 'getAlertSource'>;
  correlator: Pick<Correlator, 'correlate'>;
  decide: (correlated: CorrelatedFinding) => Decision;
  publisher: { decidedAgain(alert: Alert, because: readonly string[]): boolean };
  cluster: string;
  /** How far back alerts are decided again; a day. */
  windowMs?: number;
  logger: Logger;
  metrics: Metrics;
  now?: () => number;
}

const dayMs = 24 * 3_600_000;
const maxAlertsOfContainer = 100;
const maxAlertsOfChange = 1_000;
const maxWaitingImages = 4_096;

/**
 * Decides the recent alerts of an image's running containers again when its papers change. Images wait in a queue, one
 * entry for each however often they change; alerts are taken one after the other, so that live findings go first.
 */
export class Redecisions {
  readonly #options: RedecisionOptions;
  readonly #waiting = new Map<string, { change: PapersChange; because: Set<string> }>();
  readonly #results;
  readonly #closing = new AbortController();
  #working: Promise<void> | undefined;

  constructor(options: RedecisionOptions) {
    this.#options = options;
    this.#results = options.metrics.counter(
      'redecisions_total',
      'Alerts looked at again because papers of their image changed, by what came of it.',
      ['result'],
    );
    const waiting = options.metrics.gauge('redecisions_waiting', 'Images whose alerts are to be decided again.');
    this.#measure = () => waiting.set(this.#waiting.size);
  }

  readonly #measure: () => void;

  /** Papers of an image have changed. Returns at once; what is no difference to an alert changes nothing. */
  papersChanged(change: PapersChange): void {
    const key = imageKeyOf(change.image);
    const because = [...changesOf(change), ...(change.because ?? [])];
    if (key === undefined || because.length === 0) return;
    const known = this.#waiting.get(key);
    if (known === undefined && this.#waiting.size >= maxWaitingImages) {
      this.#results.inc({ result: 'left-out' });
      return;
    }
    this.#waiting.set(key, { change, because: new Set([...(known?.because ?? []), ...because]) });
    this.#measure();
    this.#working ??= this.#work();
  }

  /** Stops after the alert that is being decided. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    // The look-up that found the change stores its papers first.
    await new Promise((resolve) => setImmediate(resolve));
    for (let next = this.#take(); next !== undefined && !this.#closing.signal.aborted; next = this.#take()) {
      const { key, change, because } = next;
      for (const alert of this.#alertsOf(key)) {
        if (this.#closing.signal.aborted) break;
        const isForced = change.because !== undefined;
        this.#results.inc({ result: await this.#decideAgain(alert, isForced, [...because]) });
      }
    }
    this.#working = undefined;
  }

  #take(): { key: string; change: PapersChange; because: Set<string> } | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const [key, entry] = first;
    this.#waiting.delete(key);
    this.#measure();
    return { key, ...entry };
  }

  /** Newest first. */
  #alertsOf(key: string): StoredAlert[] {
    const { store, windowMs = dayMs, now = Date.now } = this.#options;
    try {
      const containers = new Set(runningContainersOf(store, key).map(({ container }) => container.id));
      const filter = { sinceUnixMs: now() - windowMs, limit: maxAlertsOfContainer };
      const alerts: StoredAlert[] = [];
      for (const containerId of containers) {
        alerts.push(...store.listAlerts({ ...filter, containerId }));
        if (alerts.length < maxAlertsOfChange) continue;
        this.#results.inc({ result: 'left-out' });
        break;
      }
      return alerts.slice(0, maxAlertsOfChange);
    } catch (error) {
      this.#failed('the alerts of an image could not be read', error);
      return [];
    }
  }

  async #decideAgain(
    stored: StoredAlert,
    isForced: boolean,
    because: readonly string[],
  ): Promise<'updated' | 'same' | 'not-kept' | 'failed'> {
    const { store, correlator, decide, publisher, cluster } = this.#options;
    try {
      const source = store.getAlertSource(stored.alertId);
      if (source === undefined) return 'not-kept';
      const [finding, node] = [Finding.decode(source.finding), Node.decode(source.node)];
      const correlated = await correlator.correlate(finding, node, source.receivedAtUnixMs);
      const isSame = papersHashOf(correlated.papers) === source.papersHash;
      if (isSame && !isForced) return 'same';
      const decision = decide(correlated);
      if (isSame && decisionHashOf(decision) === source.decisionHash) return 'same';
      const alert = createAlert({ cluster, correlated, decision, createdAtUnixMs: createdAtOf(stored) });
      return publisher.decidedAgain(alert, because) ? 'updated' : 'not-kept';
    } catch (error) {
      this.#failed('an alert could not be decided again', error);
      return 'failed';
    }
  }

  #failed(what: string, error: unknown): void {
    this.#options.logger.error({ reason: errorText(error) }, what);
  }
}

function createdAtOf({ cloudEvent, timeUnixMs }: StoredAlert): number {
  const event = JSON.parse(cloudEvent) as { data?: { finding_info?: { created_time?: unknown } } };
  const time = event.data?.finding_info?.created_time;
  return typeof time === 'number' ? time : timeUnixMs;
}
