import type { Metrics } from '../../common/metrics.ts';

export type FileMetrics = ReturnType<typeof createFileMetrics>;

export function createFileMetrics(metrics: Metrics) {
  return {
    events: metrics.counter('file_events_total', 'Events of watched files and directories read from the kernel'),
    invalid: metrics.counter('file_events_invalid_total', 'Batches of file events that could not be decoded'),
    discarded: metrics.counter(
      'file_events_discarded_total',
      'File events left out because their place was over its budget',
    ),
    gone: metrics.counter(
      'file_changes_gone_total',
      'Changes in places where only the notable is told, of files that were gone before anybody could look',
    ),
    changes: metrics.counter('file_changes_total', 'What happened to watched files, by who did it', ['by']),
    refused: metrics.counter('file_watches_refused_total', 'Containers whose files could not be watched', ['code']),
    containers: metrics.gauge('file_containers_watched', 'Containers whose files are watched'),
    marks: metrics.gauge('file_marks', 'Files and directories that are marked'),
  };
}
