import type { Attributes } from '@opentelemetry/api';
import type { ExportResult } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { errorText } from '../../../common/errors.ts';

/** What became of one export. `refused`: the receiver looked at the data and will never take it. */
export type ExportOutcome = { kind: 'exported' } | { kind: 'failed' | 'refused'; reason: string };

export interface OtlpExporters {
  exportSpans(spans: ReadableSpan[]): Promise<ExportOutcome>;
  exportLogs(records: ReadableLogRecord[]): Promise<ExportOutcome>;
  resourceOf(attributes: Attributes): Resource;
  shutdown(): Promise<void>;
}

/** Bad request, content too large, unsupported media type, unprocessable: sending the same again changes nothing. */
const refusingStatuses: ReadonlySet<unknown> = new Set([400, 413, 415, 422]);

/**
 * Loads the OTLP/HTTP protobuf exporters; some 20 MB that only who exports pays for. Environment variables
 * OTEL_EXPORTER_OTLP_HEADERS, _CERTIFICATE, _CLIENT_KEY, _CLIENT_CERTIFICATE and _COMPRESSION are honoured by them.
 */
export async function loadExporters(
  urls: { traces: string; logs: string },
  headers: Record<string, string>,
  timeoutMs: number,
): Promise<OtlpExporters> {
  const [{ OTLPTraceExporter }, { OTLPLogExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/exporter-logs-otlp-proto'),
    import('@opentelemetry/resources'),
  ]);
  const traces = new OTLPTraceExporter({ url: urls.traces, headers, timeoutMillis: timeoutMs });
  const logs = new OTLPLogExporter({ url: urls.logs, headers, timeoutMillis: timeoutMs });
  return {
    exportSpans: (spans) => outcomeOf((done) => traces.export(spans, done)),
    exportLogs: (records) => outcomeOf((done) => logs.export(records, done)),
    resourceOf: (attributes) => resourceFromAttributes(attributes),
    shutdown: async () => {
      await Promise.allSettled([traces.shutdown(), logs.shutdown()]);
    },
  };
}

function outcomeOf(start: (done: (result: ExportResult) => void) => void): Promise<ExportOutcome> {
  return new Promise((resolve) => {
    try {
      start((result) => resolve(result.code === 0 ? { kind: 'exported' } : failure(result.error)));
    } catch (error) {
      resolve({ kind: 'refused', reason: `cannot be encoded: ${errorText(error)}` });
    }
  });
}

function failure(error: unknown): ExportOutcome {
  const status = (error as { code?: unknown } | undefined)?.code;
  const reason = typeof status === 'number' ? `HTTP ${status}: ${errorText(error)}` : errorText(error);
  return { kind: refusingStatuses.has(status) ? 'refused' : 'failed', reason };
}
