import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/**
 * The metrics of one process half (agent or collector). Names are `tallyman_<half>_…`, base units, `_total` for
 * counters; labels are low in cardinality: never a container, pid or digest.
 */
export class Metrics {
  readonly registry = new Registry();
  readonly #prefix: string;

  constructor(half: 'agent' | 'collector') {
    this.#prefix = `tallyman_${half}_`;
  }

  counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name: this.#prefix + name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  gauge<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new Gauge({ name: this.#prefix + name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  histogram(name: string, help: string, bucketsSeconds: number[]): Histogram {
    return new Histogram({ name: this.#prefix + name, help, buckets: bucketsSeconds, registers: [this.registry] });
  }

  /** Event loop lag, heap, CPU of the process; once per process. */
  collectProcessMetrics(): void {
    collectDefaultMetrics({ register: this.registry, prefix: 'tallyman_' });
  }
}
