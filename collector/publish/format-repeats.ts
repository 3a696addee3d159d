import type { AlertRepeats, StoredAlert } from '../store/store.ts';
import { updateIdOf } from '../store/update-id.ts';

export const alertUpdateType = 'io.tallyman.alert.update.v1';

/** Left out of an update: the alert told them, and they are what makes it large. */
const toldBefore: ReadonlySet<string> = new Set(['evidences', 'enrichments', 'observables', 'remediation']);

type JsonObject = Record<string, unknown>;

/**
 * The event that tells of an alert's repeats: OCSF activity Update of the same finding (`finding_info.uid`), on the alert's
 * subject, with an id of its own that depends on nothing but the alert and the count.
 */
export function formatRepeats(alert: StoredAlert, repeats: AlertRepeats, nowUnixMs: number): StoredAlert {
  const event = parse(alert.cloudEvent);
  const alertId = updateIdOf(alert.alertId, repeats.count);
  const update = {
    ...event,
    id: alertId,
    type: alertUpdateType,
    time: new Date(repeats.lastUnixMs).toISOString(),
    data: updated(event.data, alertId, repeats, nowUnixMs),
  };
  const { repeats: _, ...rest } = alert;
  return { ...rest, alertId, timeUnixMs: nowUnixMs, cloudEvent: JSON.stringify(update) };
}

/** The alert's event with how often it has come again. */
export function withRepeats({ cloudEvent, repeats }: StoredAlert): string {
  if (repeats === undefined) return cloudEvent;
  const event = parse(cloudEvent);
  return JSON.stringify({ ...event, data: { ...event.data, ...occurrences(event.data, repeats) } });
}

function updated(data: JsonObject, updateId: string, repeats: AlertRepeats, nowUnixMs: number): JsonObject {
  const kept = Object.fromEntries(Object.entries(data).filter(([name]) => !toldBefore.has(name)));
  return {
    ...kept,
    ...whose(data),
    ...occurrences(data, repeats),
    ...{ activity_id: 2, activity_name: 'Update', type_uid: 200402, type_name: 'Detection Finding: Update' },
    // Whoever is woken by alerts has been woken by the alert.
    ...{ is_alert: false, disposition_id: 17, disposition: 'Logged' },
    time: repeats.lastUnixMs,
    metadata: { ...objectOf(data.metadata), uid: updateId, logged_time: nowUnixMs },
  };
}

/** Of the evidence only which container it was: subscribers tell alerts apart by it. */
function whose({ evidences }: JsonObject): JsonObject {
  const { container, data } = objectOf(Array.isArray(evidences) ? evidences[0] : undefined);
  return container === undefined ? {} : { evidences: [{ container, data: { kind: objectOf(data).kind } }] };
}

/** `count` is the alert itself and its repeats. */
function occurrences(data: JsonObject, { count, firstUnixMs, lastUnixMs }: AlertRepeats): JsonObject {
  const info = objectOf(data.finding_info);
  const firstSeen = typeof info.first_seen_time === 'number' ? info.first_seen_time : firstUnixMs;
  return {
    count: count + 1,
    start_time: firstSeen,
    end_time: lastUnixMs,
    finding_info: { ...info, last_seen_time: lastUnixMs, modified_time: lastUnixMs },
  };
}

function parse(cloudEvent: string): JsonObject & { data: JsonObject } {
  const event = objectOf(JSON.parse(cloudEvent));
  return { ...event, data: objectOf(event.data) };
}

function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
