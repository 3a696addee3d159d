import type { Metrics } from '../../common/metrics.ts';

export type IngestMetrics = ReturnType<typeof createIngestMetrics>;

export function createIngestMetrics(metrics: Metrics) {
  return {
    agents: metrics.gauge('ingest_agents', 'Agents that are connected.'),
    streamsEnded: metrics.counter('ingest_streams_ended_total', 'Agent streams that ended, by gRPC status.', [
      'status',
    ]),
    batches: metrics.counter('ingest_batches_total', 'Batches received, by what was done with them.', ['result']),
    items: metrics.counter('ingest_items_total', 'Items accepted, by type.', ['type']),
    refused: metrics.counter('ingest_items_refused_total', 'Malformed items that were left out of their batch.', [
      'type',
    ]),
    shortened: metrics.counter('ingest_items_shortened_total', 'Items with over-long fields that were cut.', ['type']),
    pauses: metrics.counter('ingest_pauses_total', 'Times a stream was not read on, by reason.', ['reason']),
  };
}
