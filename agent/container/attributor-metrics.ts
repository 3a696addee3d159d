import type { Metrics } from '../../common/metrics.ts';

const outcomes = ['complete', 'late', 'partial', 'notContainer', 'forced', 'failed'] as const;

/** Plain numbers on the hot path, published to the registry once per tick. */
export class AttributorMetrics {
  complete = 0;
  late = 0;
  partial = 0;
  /** Of tasks that are in no container: dropped. */
  notContainer = 0;
  /** Went on before their time because too many waited; counted as late or partial too. */
  forced = 0;
  /** Refused by detection with an error. */
  failed = 0;
  readonly #published = { complete: 0, late: 0, partial: 0, notContainer: 0, forced: 0, failed: 0 };
  readonly #events;
  readonly #held;
  readonly #processes;

  constructor(metrics: Metrics) {
    this.#events = metrics.counter('attribution_events_total', 'Events by how they were attributed', ['outcome']);
    this.#held = metrics.gauge('attribution_held_events', 'Events that wait for their container to become known');
    this.#processes = metrics.gauge('processes_known', 'Processes of containers in the process table');
  }

  publish(now: { held: number; processes: number }): void {
    for (const outcome of outcomes) {
      const added = this[outcome] - this.#published[outcome];
      if (added === 0) continue;
      this.#published[outcome] = this[outcome];
      this.#events.inc({ outcome: outcome === 'notContainer' ? 'not-container' : outcome }, added);
    }
    this.#held.set(now.held);
    this.#processes.set(now.processes);
  }
}
