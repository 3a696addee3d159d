import { Episode } from '../common/episode.ts';
import type { Logger } from '../common/logger.ts';
import type { Metrics } from '../common/metrics.ts';
import type { Container } from '../proto/generated/tallyman/v1/container.ts';
import type { Finding } from '../proto/generated/tallyman/v1/finding.ts';
import type { Node } from '../proto/generated/tallyman/v1/uplink.ts';
import type { Correlator } from './correlate/correlate.ts';
import type { CorrelatedFinding, Decision } from './decide/alert.ts';
import { Finisher } from './inbox/finisher.ts';
import { GapLog } from './inbox/gap-log.ts';
import { InboxReader } from './inbox/inbox-reader.ts';
import { Lanes } from './inbox/lanes.ts';
import { type AlertPublisher, PublishLine } from './inbox/publish-line.ts';
import { type StageBaselines, Stages } from './inbox/stages.ts';
import { Worker } from './inbox/worker.ts';
import type { InboxItem, Store, StoredGap } from './store/store.ts';

export interface PipelineOptions {
  store: Store;
  correlator: Pick<Correlator, 'correlate' | 'prefetch'>;
  decide: (correlated: CorrelatedFinding) => Decision;
  publisher: AlertPublisher;
  cluster: string;
  baselines: StageBaselines;
  /** Findings that are correlated at once. */
  maxConcurrentFindings?: number;
  /** Items taken from the inbox and not yet done. */
  maxOutstandingItems?: number;
  /** A container was reported, and is stored. */
  onContainer?: (nodeName: string, container: Container) => void;
  /** Called when the inbox got smaller. */
  onDrained?: () => void;
  logger: Logger;
  metrics: Metrics;
}

export interface Pipeline {
  /** Begins with what an earlier run left unfinished. */
  start(): void;
  /** Something was stored in the inbox. */
  wake(): void;
  /** A finding of the collector's own; resolves when its alert is stored. @throws a store failure while shutting down */
  submit(node: Node, finding: Finding): Promise<void>;
  /** Newest first. */
  gaps(): readonly StoredGap[];
  /** Items being worked on. */
  outstanding(): number;
  /** Why the store cannot be written at the moment. */
  failing(): string | undefined;
  /** Stops taking items and waits, at most so long, for those being worked on; the rest stays in the inbox. */
  close(deadlineMs: number): Promise<void>;
}

/**
 * The collector's stages, top to bottom:
 *
 *   inbox (durable, bounded by ingest) → read in order → baselines learn; correlate (concurrent, in order per container) → decide
 *     → publish line (in order, in groups) → outbox (durable) → out of the inbox
 *
 * Findings of high and critical severity have a reader and lanes of their own: they wait for no others.
 *
 * An item leaves the inbox only when what follows from it is stored. A crash in between repeats the item: alerts are
 * recognised by their id, all else is written again with the same values.
 */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { store, logger, metrics, publisher } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const storeEpisode = new Episode(logger, 'working off the inbox');
  const gapLog = new GapLog(store, metrics);
  const worked = metrics.counter('pipeline_items_total', 'Items worked off, by type and result.', ['type', 'result']);

  const finisher = new Finisher(store, storeEpisode, signal, () => options.onDrained?.());
  const publishLine = new PublishLine({ publisher, storeEpisode, signal, maxGroup: 64 });
  const stages = new Stages({ ...options, gapLog, storeEpisode, signal });
  const readerOf = (urgent: boolean, maxConcurrent: number, maxOutstanding: number): InboxReader => {
    const worker = new Worker({
      ...{ stages, lanes: new Lanes(maxConcurrent), publishLine, finisher },
      done: (items) => reader.done(items),
      count: (type, result, items) => worked.inc({ type, result }, items),
    });
    const take = (items: readonly InboxItem[]): void => worker.take(items);
    const reader = new InboxReader({ store, urgent, chunkItems: 256, maxOutstanding, episode: storeEpisode, take });
    return reader;
  };
  const maxConcurrent = options.maxConcurrentFindings ?? 64;
  const maxOutstanding = options.maxOutstandingItems ?? 1_024;
  const readers = [true, false].map((urgent) => readerOf(urgent, maxConcurrent, maxOutstanding));
  const outstanding = (): number => readers.reduce((sum, reader) => sum + reader.outstanding, 0);

  return {
    start: () => {
      for (const reader of readers) reader.start();
    },
    wake: () => {
      for (const reader of readers) reader.wake();
    },
    submit: async (node, finding) => {
      const alert = await stages.finding({ node, receivedAtUnixMs: Date.now() }, finding);
      await publishLine.alert(alert);
    },
    gaps: () => gapLog.list(),
    outstanding,
    failing: () => (storeEpisode.failing ? storeEpisode.reason : undefined),
    close: (deadlineMs) => closePipeline(readers, finisher, stopping, deadlineMs),
  };
}

async function closePipeline(
  readers: readonly InboxReader[],
  finisher: Finisher,
  stopping: AbortController,
  deadlineMs: number,
): Promise<void> {
  await Promise.all(readers.map((reader) => reader.stop()));
  const deadlineUnixMs = Date.now() + deadlineMs;
  while (readers.some((reader) => reader.outstanding > 0) && Date.now() < deadlineUnixMs)
    await new Promise((resolve) => setTimeout(resolve, 10));
  // Whatever waits for a store that fails gives up now; it is in the inbox for the next start.
  stopping.abort();
  await finisher.idle();
}
