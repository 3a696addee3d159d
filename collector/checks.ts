import type { Ingest } from './ingest/server.ts';
import type { Pipeline } from './pipeline.ts';
import type { Publisher } from './publish/publisher.ts';
import type { CheckResult, Readiness } from './query/readiness.ts';

/** How long the first connection to NATS may take before the collector counts as ready without it. */
const natsGraceMs = 5_000;
const ok: CheckResult = { state: 'ok', reason: '' };

export interface CheckedParts {
  ingest: Pick<Ingest, 'failing'>;
  pipeline: Pick<Pipeline, 'failing'>;
  publisher: Pick<Publisher, 'status'>;
  startedAtUnixMs: number;
}

/** Without a store nothing can be promised; without a sink alerts wait in the outbox, which is less but works. */
export function addChecks(readiness: Readiness, parts: CheckedParts): void {
  readiness.add('store', () => {
    const reason = parts.ingest.failing() ?? parts.pipeline.failing();
    return reason === undefined ? ok : { state: 'failing', reason };
  });
  readiness.add('nats', () => {
    const { nats } = parts.publisher.status();
    if (!nats.configured) return { state: 'ok', reason: 'not configured: alerts are stored only' };
    if (nats.connected && nats.failing === undefined) return ok;
    const isFirst = nats.failing === undefined && Date.now() - parts.startedAtUnixMs < natsGraceMs;
    return isFirst
      ? { state: 'pending', reason: 'connecting' }
      : { state: 'degraded', reason: nats.failing ?? 'not connected; alerts wait in the outbox' };
  });
  readiness.add('otlp', () => {
    const { otlp } = parts.publisher.status();
    if (!otlp.configured) return { state: 'ok', reason: 'not configured: no traces' };
    return otlp.failing === undefined ? ok : { state: 'degraded', reason: otlp.failing };
  });
}
