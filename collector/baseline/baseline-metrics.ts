import type { Metrics } from '../../common/metrics.ts';

export type BaselineMetrics = ReturnType<typeof createBaselineMetrics>;

export function createBaselineMetrics(metrics: Metrics) {
  return {
    baselines: metrics.gauge('baselines', 'Baselines by state.', ['state']),
    facts: metrics.counter('baseline_facts_total', 'New facts of baselines, by what became of them.', ['result']),
    refused: metrics.counter('baseline_refused_total', 'Baselines and containers beyond the bound.', ['what']),
    containersWithout: metrics.counter(
      'baseline_containers_without_total',
      'Reports of containers that have no baseline: no digest is known of the image, or it is a sandbox.',
    ),
    pushed: metrics.counter('baseline_pushed_total', 'Baselines sent to agents.'),
  };
}
