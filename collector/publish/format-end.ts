import type { StoredAlert } from '../store/store.ts';
import { alertUpdateType } from './format-repeats.ts';

const maxReasonLength = 500;

/**
 * The event that tells that what an alert says no longer holds: OCSF activity Close of the same finding
 * (`finding_info.uid`), on the alert's subject, with an id of its own that depends on nothing but the alert.
 */
export function formatEnd(alert: StoredAlert, reason: string, nowUnixMs: number): StoredAlert {
  const event = JSON.parse(alert.cloudEvent) as { data: Record<string, unknown> };
  const { data } = event;
  const alertId = `${alert.alertId}-end`;
  const ended = {
    ...event,
    ...{ id: alertId, type: alertUpdateType, time: new Date(nowUnixMs).toISOString(), severitytext: 'info' },
    severitynumber: 9,
    data: {
      ...data,
      ...{ activity_id: 3, activity_name: 'Close', type_uid: 200403, type_name: 'Detection Finding: Close' },
      ...{ status_id: 4, status: 'Resolved', status_detail: reason.slice(0, maxReasonLength) },
      ...{ is_alert: false, disposition_id: 17, disposition: 'Logged', severity_id: 1, severity: 'Informational' },
      ...{ time: nowUnixMs, end_time: nowUnixMs, message: `no longer: ${String(data.message)}` },
      metadata: { ...(data.metadata as object), uid: alertId, logged_time: nowUnixMs },
    },
  };
  const { repeats: _, ...rest } = alert;
  return { ...rest, alertId, severity: 'info', timeUnixMs: nowUnixMs, cloudEvent: JSON.stringify(ended) };
}
