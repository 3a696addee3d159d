import { createHash } from 'node:crypto';

/** Length of an investigation window: one trace per container and window keeps traces within what backends take. */
export const traceWindowNs = 3_600_000_000_000n;

export interface TraceIdInput {
  cluster: string;
  /** Empty when the container is not known; the node then stands for it. */
  containerId: string;
  nodeName: string;
  /** When it happened, Unix ns: chooses the window. */
  eventUnixNs: bigint;
  alertId: string;
}

/** Lower-case hex; 16 bytes for the trace, 8 for spans, never all zero. */
export interface TraceIds {
  traceId: string;
  /** The container's own span in that trace. */
  rootSpanId: string;
  /** The alert's span. */
  spanId: string;
  windowIndex: bigint;
}

/**
 * The ids of an alert in its trace. Computed, not drawn: an export that is repeated hits the same spans, and the address
 * of a trace is known before it has been exported.
 */
export function traceIdsOf(input: TraceIdInput): TraceIds {
  const windowIndex = input.eventUnixNs > 0n ? input.eventUnixNs / traceWindowNs : 0n;
  const container = input.containerId === '' ? `node:${input.nodeName}` : input.containerId;
  const traceId = hashHex(16, input.cluster, container, String(windowIndex));
  return {
    traceId,
    rootSpanId: hashHex(8, 'container', traceId),
    spanId: hashHex(8, 'alert', input.alertId),
    windowIndex,
  };
}

/** Span id of a process execution; the same in every trace it appears in. */
export function executionSpanId(executionId: string): string {
  return hashHex(8, executionId);
}

/** https://www.w3.org/TR/trace-context/#traceparent-header, sampled. */
export function traceparentOf(traceId: string, spanId: string): string {
  return `00-${traceId}-${spanId}-01`;
}

function hashHex(lengthBytes: number, ...parts: readonly string[]): string {
  const hash = createHash('sha256').update(parts.join('\0')).digest().subarray(0, lengthBytes);
  if (hash.every((byte) => byte === 0)) hash[lengthBytes - 1] = 1;
  return hash.toString('hex');
}
