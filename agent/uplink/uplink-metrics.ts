import type { Metrics } from '../../common/metrics.ts';

export type UplinkMetrics = ReturnType<typeof createUplinkMetrics>;

export function createUplinkMetrics(metrics: Metrics) {
  return {
    connected: metrics.gauge('uplink_connected', '1 while the collector is connected.'),
    queuedItems: metrics.gauge('uplink_queued_items', 'Items that wait to be sent.'),
    inFlightBatches: metrics.gauge('uplink_in_flight_batches', 'Batches sent and not acknowledged.'),
    accepted: metrics.counter('uplink_items_accepted_total', 'Items taken over for sending, by type.', ['type']),
    dropped: metrics.counter('uplink_items_dropped_total', 'Items lost at the uplink, by type and reason.', [
      'type',
      'reason',
    ]),
    undelivered: metrics.counter('uplink_items_undelivered_total', 'Items not acknowledged when the agent stopped.'),
    disconnects: metrics.counter('uplink_disconnects_total', 'Connections and attempts that ended.'),
    undecodable: metrics.counter(
      'uplink_messages_undecodable_total',
      'Messages from the collector that cannot be decoded.',
    ),
    resentBatches: metrics.counter('uplink_batches_resent_total', 'Batches sent again after a reconnect.'),
    epochs: metrics.counter('uplink_epochs_total', 'Times batches were numbered anew for a collector without memory.'),
  };
}
