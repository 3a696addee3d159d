import type { SpanContext } from '@opentelemetry/api';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { LRUCache } from 'lru-cache';
import { Episode } from '../../../common/episode.ts';
import type { Logger } from '../../../common/logger.ts';
import type { Metrics } from '../../../common/metrics.ts';
import type { ExecutionEnded } from '../../../proto/generated/tallyman/v1/uplink.ts';
import type { Alert } from '../../decide/alert.ts';
import { eventTimeUnixNs } from '../../decide/create-alert.ts';
import { executionSpanId, traceIdsOf } from '../../decide/trace-ids.ts';
import { resourceAttributes } from './attributes.ts';
import { otlpUrls } from './endpoint.ts';
import { ExportQueue, type ExportQueueOptions } from './export-queue.ts';
import { loadExporters, type OtlpExporters } from './exporters.ts';
import { SpanLedger } from './span-ledger.ts';
import { alertLogRecord, alertSpan, executionSpan, rootSpan, spanContextOf, type TracePlace } from './spans.ts';

export interface OtlpOptions {
  /** Base address of an OTLP/HTTP receiver, "http://127.0.0.1:4318". */
  endpoint: string;
  headers?: Record<string, string>;
  /** How long after an alert the ends of its executions are waited for; 5000. */
  traceLingerMs?: number;
  /** One export, the exporter's own retries included; 5000. */
  exportTimeoutMs?: number;
  maxQueuedSpans?: number;
  maxQueuedLogs?: number;
  backoff?: { initialMs: number; maxMs: number };
}

export interface OtlpSink {
  /** Never throws for the endpoint's sake, never waits. */
  publish(alert: Alert): void;
  executionEnded(ended: ExecutionEnded): void;
  /** Why exporting fails at the moment. */
  failing(): string | undefined;
  /** Spans and log records not exported yet. */
  queued(): number;
  /** Gives out what is still open, exports until `deadlineMs` is over, drops the rest. */
  close(deadlineMs: number): Promise<void>;
}

/** @throws CodedError<'otlp-endpoint-invalid'> */
export async function createOtlpSink(options: OtlpOptions, logger: Logger, metrics: Metrics): Promise<OtlpSink> {
  const urls = otlpUrls(options.endpoint);
  const exporters = await loadExporters(urls, options.headers ?? {}, options.exportTimeoutMs ?? 5000);
  return new ContainerTraces(options, exporters, logger, metrics);
}

class ContainerTraces implements OtlpSink {
  readonly #exporters: OtlpExporters;
  readonly #episodes: { traces: Episode; logs: Episode };
  readonly #spans: ExportQueue<ReadableSpan>;
  readonly #logs: ExportQueue<ReadableLogRecord>;
  readonly #ledger: SpanLedger;
  /** The newest root span by container, for the link from one window to the next. */
  readonly #newestRoots = new LRUCache<string, SpanContext>({ max: 10_000 });

  constructor(options: OtlpOptions, exporters: OtlpExporters, logger: Logger, metrics: Metrics) {
    this.#exporters = exporters;
    this.#episodes = {
      traces: new Episode(logger, `exporting traces to ${withoutPassword(options.endpoint)}`),
      logs: new Episode(logger, `exporting logs to ${withoutPassword(options.endpoint)}`),
    };
    const count = queueCounters(metrics);
    const backoff = options.backoff ?? { initialMs: 500, maxMs: 30_000 };
    const common = { maxBatchItems: 256, backoff };
    this.#spans = new ExportQueue({
      ...common,
      ...count('traces'),
      maxItems: options.maxQueuedSpans ?? 16_384,
      episode: this.#episodes.traces,
      export: (spans) => exporters.exportSpans(spans),
    });
    this.#logs = new ExportQueue({
      ...common,
      ...count('logs'),
      maxItems: options.maxQueuedLogs ?? 4096,
      episode: this.#episodes.logs,
      export: (records) => exporters.exportLogs(records),
    });
    this.#ledger = new SpanLedger({
      lingerMs: options.traceLingerMs ?? 5000,
      maxOpen: 10_000,
      maxRemembered: 65_536,
      complete: ({ place, execution, parentSpanId }, end) =>
        this.#spans.push(executionSpan(place, execution, parentSpanId, end, BigInt(Date.now()) * 1_000_000n)),
    });
  }

  publish(alert: Alert): void {
    const { finding, node } = alert.correlated;
    const { rootSpanId, windowIndex } = traceIdsOf({
      cluster: alert.cluster,
      containerId: finding.container?.id ?? '',
      nodeName: node.name,
      eventUnixNs: eventTimeUnixNs(alert.correlated),
      alertId: alert.alertId,
    });
    const { traceId } = alert;
    const place = { traceId, rootSpanId, resource: this.#exporters.resourceOf(resourceAttributes(alert)) };
    this.#openRoot(place, alert, windowIndex);
    this.#addExecutions(place, alert);
    if (!this.#ledger.claim(traceId, alert.spanId)) return;
    this.#spans.push(alertSpan(place, alert));
    this.#logs.push(alertLogRecord(place, alert));
  }

  executionEnded(ended: ExecutionEnded): void {
    this.#ledger.ended(ended);
  }

  failing(): string | undefined {
    const episode = [this.#episodes.traces, this.#episodes.logs].find((candidate) => candidate.failing);
    return episode?.reason;
  }

  queued(): number {
    return this.#spans.size + this.#logs.size;
  }

  async close(deadlineMs: number): Promise<void> {
    this.#ledger.giveOutAll();
    this.#ledger.close();
    await Promise.all([this.#spans.flush(deadlineMs), this.#logs.flush(deadlineMs)]);
    this.#spans.close();
    this.#logs.close();
    // An export that hangs must not hold up the end beyond the deadline; its own time limit ends it.
    void this.#exporters.shutdown();
  }

  #openRoot(place: TracePlace, alert: Alert, windowIndex: bigint): void {
    if (!this.#ledger.claim(place.traceId, place.rootSpanId)) return;
    const container = `${alert.cluster}\0${alert.correlated.finding.container?.id ?? ''}`;
    const previous = this.#newestRoots.get(container);
    this.#newestRoots.set(container, spanContextOf(place.traceId, place.rootSpanId));
    this.#spans.push(rootSpan(place, alert, windowIndex, previous));
  }

  #addExecutions(place: TracePlace, alert: Alert): void {
    const { processes } = alert.correlated.finding;
    for (const [index, execution] of processes.entries()) {
      const parent = processes[index + 1];
      const parentSpanId = parent === undefined ? place.rootSpanId : executionSpanId(parent.executionId);
      this.#ledger.add({ place, execution, parentSpanId });
    }
  }
}

type Counters = Pick<ExportQueueOptions<unknown>, 'exported' | 'dropped' | 'failed'>;

function queueCounters(metrics: Metrics): (signal: 'traces' | 'logs') => Counters {
  const exported = metrics.counter('otlp_exported_total', 'Spans and log records taken by the OTLP endpoint.', [
    'signal',
  ]);
  const dropped = metrics.counter('otlp_dropped_total', 'Spans and log records that were given up.', [
    'signal',
    'reason',
  ]);
  const failures = metrics.counter('otlp_export_failures_total', 'Exports that failed or were refused.', ['signal']);
  return (signal) => ({
    exported: (count) => exported.inc({ signal }, count),
    dropped: (count, reason) => dropped.inc({ signal, reason }, count),
    failed: () => failures.inc({ signal }),
  });
}

function withoutPassword(endpoint: string): string {
  const url = new URL(endpoint);
  url.username = '';
  url.password = '';
  return url.href;
}
