import type { Alert } from '../../decide/alert.ts';
import { eventTimeUnixNs } from '../../decide/create-alert.ts';
import { otelSeverityNumbers } from '../../decide/severity.ts';
import { traceparentOf } from '../../decide/trace-ids.ts';
import { ocsfVersion } from './ocsf.ts';
import { rfc3339 } from './text.ts';
import type { Json } from './trim.ts';

export const alertEventType = 'io.tallyman.alert.v1';
export const cloudEventContentType = 'application/cloudevents+json';

/**
 * The envelope of an alert: CloudEvents 1.0 in structured mode,
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md, with the distributed tracing and severity
 * extensions.
 */
export interface CloudEvent {
  specversion: '1.0';
  /** The alert id; source + id are unique. */
  id: string;
  /** "/clusters/<cluster>/nodes/<node>" */
  source: string;
  type: typeof alertEventType;
  /** "<namespace>/<container name>" */
  subject: string;
  time: string;
  datacontenttype: 'application/json';
  dataschema: string;
  traceparent: string;
  severitytext: string;
  severitynumber: number;
  data: Json;
}

export function toCloudEvent(alert: Alert, data: Json): CloudEvent {
  const { finding, node } = alert.correlated;
  const container = finding.container?.name || finding.container?.id || 'unknown';
  return {
    specversion: '1.0',
    id: alert.alertId,
    source: `/clusters/${segment(alert.cluster)}/nodes/${segment(node.name)}`,
    type: alertEventType,
    subject: `${segment(alert.namespace)}/${segment(container)}`,
    time: rfc3339(eventTimeUnixNs(alert.correlated)),
    datacontenttype: 'application/json',
    dataschema: `https://schema.ocsf.io/${ocsfVersion}/classes/detection_finding`,
    traceparent: traceparentOf(alert.traceId, alert.spanId),
    severitytext: alert.decision.severity,
    severitynumber: otelSeverityNumbers[alert.decision.severity],
    data,
  };
}

function segment(text: string): string {
  return encodeURIComponent(text.slice(0, 256).toWellFormed()) || 'unknown';
}
