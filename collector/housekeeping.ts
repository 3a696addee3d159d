import { Episode } from '../common/episode.ts';
import { errorText } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { Metrics } from '../common/metrics.ts';
import type { Store } from './store/store.ts';

const intervalMs = 10 * 60 * 1_000;

/** Prunes the store now and every ten minutes. Answers the way to stop. */
export function startHousekeeping(store: Pick<Store, 'prune'>, logger: Logger, metrics: Metrics): () => void {
  const removed = metrics.counter('store_pruned_total', 'Rows removed to stay within the bounds of the store.', [
    'what',
  ]);
  const episode = new Episode(logger, 'pruning the store');
  const prune = (): void => {
    try {
      const pruned = store.prune(Date.now());
      for (const [what, count] of Object.entries(pruned)) removed.inc({ what }, count);
      if (pruned.unpublishedAlerts > 0)
        logger.error(
          { alerts: pruned.unpublishedAlerts },
          'alerts that no sink had confirmed were removed: too many wait',
        );
      episode.recovered();
    } catch (thrown) {
      episode.failed(errorText(thrown));
    }
  };
  prune();
  const timer = setInterval(prune, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
