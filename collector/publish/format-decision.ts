import type { Alert } from '../decide/alert.ts';
import { severityRank } from '../decide/severity.ts';
import type { StoredAlert, StoredDecision } from '../store/store.ts';
import { decisionIdOf } from '../store/update-id.ts';
import { formatAlert } from './format-alert.ts';
import { alertUpdateType } from './format-repeats.ts';

const maxBecause = 20;
const maxBecauseLength = 500;

type JsonObject = Record<string, unknown>;
interface Event extends JsonObject {
  data: JsonObject;
}

/**
 * An alert that was decided again: its event from now on, and the message that tells of it. One that was only recorded and
 * becomes an alert is published as any other; else it is OCSF activity Update of the same
 * finding. That goes to the subject of the worse of both severities, so that whoever was told of the former one learns
 * what became of it, and a severity that rose reaches those who only listen to such.
 */
export function formatDecision(input: {
  before: StoredAlert;
  alert: Alert;
  revision: number;
  /** "signature: absent → verified (team)" */
  because: readonly string[];
  nowUnixMs: number;
  maxEventBytes: number;
}): { decision: StoredDecision; message: StoredAlert } {
  const { before, alert, revision, nowUnixMs } = input;
  const now = formatAlert(alert, input.maxEventBytes);
  const told = isAlertable(before);
  const rose = severityRank(now.severity) > severityRank(before.severity);
  const again = decidedAgain(input);
  const event = JSON.parse(now.cloudEvent) as Event;
  const current = { ...event, data: withNote(event.data, again, nowUnixMs) };
  const alertId = decisionIdOf(alert.alertId, revision);
  const wakes = rose && alert.decision.action === 'alert';
  const updateEvent = JSON.stringify(updateOf(current, alertId, nowUnixMs, wakes));
  const subject = rose ? now.subject : before.subject;
  const publish = told ? 'update' : alert.decision.action === 'alert' ? 'alert' : 'none';
  const { papersHash = '', decisionHash = '' } = now.source ?? {};
  const decision: StoredDecision = {
    ...{ alertId: alert.alertId, severity: now.severity, subject: now.subject, cloudEvent: JSON.stringify(current) },
    ...{ papersHash, decisionHash, revision, updateEvent, updateSubject: subject, publish },
  };
  const { source: _source, repeats: _repeats, ...rest } = now;
  const message =
    publish === 'alert'
      ? { ...rest, cloudEvent: decision.cloudEvent }
      : { ...rest, alertId, subject, cloudEvent: updateEvent, timeUnixMs: nowUnixMs };
  return { decision, message };
}

/** False for decisions that are only recorded: subscribers do not know them. */
export function isAlertable({ cloudEvent }: StoredAlert): boolean {
  return (JSON.parse(cloudEvent) as { data?: { is_alert?: unknown } }).data?.is_alert === true;
}

function decidedAgain(input: Parameters<typeof formatDecision>[0]): JsonObject {
  const { before, alert, revision, because, nowUnixMs } = input;
  return {
    revision,
    time: nowUnixMs,
    because: because.slice(0, maxBecause).map((text) => text.slice(0, maxBecauseLength)),
    severity_before: before.severity,
    severity: alert.decision.severity,
  };
}

function withNote(data: JsonObject, again: JsonObject, nowUnixMs: number): JsonObject {
  return {
    ...data,
    finding_info: { ...(data.finding_info as JsonObject), modified_time: nowUnixMs },
    unmapped: { ...(data.unmapped as JsonObject), decided_again: again },
  };
}

function updateOf(event: Event, id: string, nowUnixMs: number, isAlert: boolean): JsonObject {
  const again = (event.data.unmapped as JsonObject).decided_again as { because: string[]; severity_before: string };
  return {
    ...event,
    id,
    type: alertUpdateType,
    time: new Date(nowUnixMs).toISOString(),
    data: {
      ...event.data,
      ...{ activity_id: 2, activity_name: 'Update', type_uid: 200402, type_name: 'Detection Finding: Update' },
      ...{ is_alert: isAlert, disposition_id: isAlert ? 19 : 17, disposition: isAlert ? 'Alert' : 'Logged' },
      comment: `decided again (${again.severity_before} before): ${again.because.join('; ')}`,
      time: nowUnixMs,
      metadata: { ...(event.data.metadata as JsonObject), uid: id, logged_time: nowUnixMs },
    },
  };
}
