import { CodedError } from '../../common/errors.ts';
import { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import { Node } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { Alert } from '../decide/alert.ts';
import { eventTimeUnixNs } from '../decide/create-alert.ts';
import { decisionHashOf, papersHashOf } from '../decide/decision-hash.ts';
import { traceparentOf } from '../decide/trace-ids.ts';
import type { StoredAlert } from '../store/store.ts';
import { toCloudEvent } from './formats/cloudevent.ts';
import { toDetectionFinding } from './formats/ocsf.ts';
import { millisecondsOf } from './formats/text.ts';
import { type Json, trim, trimLevels } from './formats/trim.ts';
import { natsSubjectOf } from './subject.ts';

/** Half of what a NATS server takes by default, so that headers and an operator's tighter bound have room. */
export const defaultMaxEventBytes = 512 * 1024;
/** Below this the shortest form of an event might not fit. */
export const minMaxEventBytes = 256 * 1024;
const maxSourceBytes = 64 * 1024;

/**
 * Formats an alert once, for every sink and reader. An event larger than `maxEventBytes` is cut (arguments, labels, lists,
 * far ancestors); `data.unmapped.trimmed` then says what is missing.
 */
export function formatAlert(alert: Alert, maxEventBytes = defaultMaxEventBytes): StoredAlert {
  const { finding, node } = alert.correlated;
  return {
    alertId: alert.alertId,
    timeUnixMs: millisecondsOf(eventTimeUnixNs(alert.correlated)) ?? alert.correlated.receivedAtUnixMs,
    severity: alert.decision.severity,
    ruleId: finding.ruleId,
    namespace: alert.namespace,
    nodeName: node.name,
    containerId: finding.container?.id ?? '',
    imageReference: finding.container?.image?.reference ?? '',
    subject: natsSubjectOf(alert),
    traceparent: traceparentOf(alert.traceId, alert.spanId),
    cloudEvent: cloudEventText(alert, maxEventBytes),
    source: sourceOf(alert),
  };
}

/** Undefined for what is too large to be kept beside the alert; that one is not decided again. */
function sourceOf({ correlated, decision }: Alert): StoredAlert['source'] {
  const finding = Finding.encode(correlated.finding).finish();
  if (finding.byteLength > maxSourceBytes) return undefined;
  return {
    finding,
    node: Node.encode(correlated.node).finish(),
    receivedAtUnixMs: correlated.receivedAtUnixMs,
    papersHash: papersHashOf(correlated.papers),
    decisionHash: decisionHashOf(decision),
  };
}

function cloudEventText(alert: Alert, maxEventBytes: number): string {
  const finding = toDetectionFinding(alert);
  let wholeBytes: number | undefined;
  for (const limits of trimLevels) {
    const { value, notes } = trim(finding, limits);
    if (notes.length > 0) {
      wholeBytes ??= Buffer.byteLength(JSON.stringify(finding, bigintAsText));
      markTrimmed(value, notes, wholeBytes);
    }
    const text = JSON.stringify(toCloudEvent(alert, value));
    if (Buffer.byteLength(text) <= maxEventBytes) return text;
  }
  throw new CodedError('event-too-large', `alert ${alert.alertId} does not fit into ${maxEventBytes} bytes`, {
    hint: `set the bound of events to at least ${minMaxEventBytes} bytes`,
  });
}

function markTrimmed(finding: Json, notes: string[], wholeBytes: number): void {
  const { metadata, unmapped } = finding as { metadata: { [key: string]: Json }; unmapped: { [key: string]: Json } };
  metadata.is_truncated = true;
  metadata.untruncated_size = wholeBytes;
  unmapped.trimmed = notes;
}

function bigintAsText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
