import type { Metrics } from '../../common/metrics.ts';
import { type BaselineStateName, baselineStates } from './compiled-baseline.ts';

export type BaselineResult = 'applied' | 'removed' | 'refused' | 'evicted';

/** What is counted of baselines. */
export interface BaselineMetrics {
  received(result: BaselineResult): void;
  /** `states` is asked whenever metrics are read. */
  kept(states: () => readonly BaselineStateName[]): void;
}

export function createBaselineMetrics(metrics: Metrics): BaselineMetrics {
  const updates = metrics.counter('baseline_updates_total', 'Baselines the collector told, by what became of them.', [
    'result',
  ]);
  const gauge = metrics.gauge('baselines', 'Baselines kept, by state.', ['state']);
  return {
    received: (result) => updates.inc({ result }),
    kept: (states) => {
      const collect = (): void => {
        const current = states();
        for (const state of baselineStates) {
          const count = current.filter((other) => other === state).length;
          if (state !== 'unknown') gauge.set({ state }, count);
        }
      };
      Object.assign(gauge, { collect });
    },
  };
}
