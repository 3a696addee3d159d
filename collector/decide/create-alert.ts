import { createHash } from 'node:crypto';
import { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import type { Alert, CorrelatedFinding, Decision } from './alert.ts';
import { traceIdsOf } from './trace-ids.ts';

/** What may stand in a message id header and a URL as it is. */
const plainId = /^[A-Za-z0-9_-]{1,64}$/;

/** When the finding's event happened, Unix ns; the time of receipt where the finding does not say. */
export function eventTimeUnixNs(correlated: CorrelatedFinding): bigint {
  const time = correlated.finding.event?.timeUnixNs ?? 0n;
  return time > 0n ? time : BigInt(correlated.receivedAtUnixMs) * 1_000_000n;
}

/** Turns a decision into the alert that is published; a pure function of its arguments. */
export function createAlert(input: {
  cluster: string;
  correlated: CorrelatedFinding;
  decision: Decision;
  createdAtUnixMs: number;
}): Alert {
  const { finding, node } = input.correlated;
  const alertId = alertIdOf(finding);
  const ids = traceIdsOf({
    cluster: input.cluster,
    containerId: finding.container?.id ?? '',
    nodeName: node.name,
    eventUnixNs: eventTimeUnixNs(input.correlated),
    alertId,
  });
  return {
    alertId,
    cluster: input.cluster,
    namespace: finding.container?.namespace || finding.container?.runtime || 'unknown',
    createdAtUnixMs: input.createdAtUnixMs,
    correlated: input.correlated,
    decision: input.decision,
    traceId: ids.traceId,
    spanId: ids.spanId,
  };
}

/** A finding without a usable id still becomes an alert: its content names it, so a repetition is still recognised. */
function alertIdOf(finding: Finding): string {
  if (plainId.test(finding.findingId)) return finding.findingId;
  return createHash('sha256').update(Finding.encode(finding).finish()).digest('hex').slice(0, 32);
}
