import type Database from 'better-sqlite3';
import { Container } from '../../../proto/generated/tallyman/v1/container.ts';
import type { SeverityWord } from '../../decide/alert.ts';
import { severityRank, severityWords } from '../../decide/severity.ts';
import type { AlertFilter, AlertRepeats, StoredAlert } from '../store.ts';
import { updateIdOf } from '../update-id.ts';

interface AlertRow {
  alert_id: string;
  time_unix_ms: number;
  severity: string;
  rule_id: string;
  namespace: string;
  node_name: string;
  container_id: string;
  image_reference: string;
  nats_subject: string;
  traceparent: string;
  cloud_event: string;
  repeat_count: number | null;
  repeats_first_unix_ms: number | null;
  repeats_last_unix_ms: number | null;
}

interface UpdateRow extends AlertRow {
  update_event: string;
}

const columns = `alert_id, time_unix_ms, severity, rule_id, namespace, node_name, container_id, image_reference,
  nats_subject, traceparent, cloud_event`;

/** With what is known of repeats. */
const knownColumns = `${columns}, alert_repeats.count AS repeat_count, first_unix_ms AS repeats_first_unix_ms,
  last_unix_ms AS repeats_last_unix_ms`;
const known = 'alerts LEFT JOIN alert_repeats USING (alert_number)';

/** Rows removed per statement, so that pruning never holds the event loop for long. */
const pruneChunk = 2_000;

/** Alerts, and the outbox of those still to be published. */
export class AlertTable {
  readonly #database: Database.Database;
  readonly #put: (alerts: readonly StoredAlert[]) => number;
  readonly #markPublished: (alertIds: readonly string[], atUnixMs: number) => void;
  readonly #get: Database.Statement<[string], AlertRow>;
  readonly #outbox: Database.Statement<[number], AlertRow>;
  readonly #updates: Database.Statement<[number], UpdateRow>;
  readonly #outboxSize: Database.Statement<[], number>;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#get = database.prepare(`SELECT ${knownColumns} FROM ${known} WHERE alert_id = ?`);
    this.#outbox = database.prepare(
      `SELECT ${columns} FROM outbox JOIN alerts USING (alert_number) ORDER BY severity_rank DESC, alert_number LIMIT ?`,
    );
    this.#updates = database.prepare(
      `SELECT ${knownColumns}, update_event FROM alert_repeats JOIN alerts USING (alert_number)
       WHERE waiting = 1 ORDER BY alert_number LIMIT ?`,
    );
    this.#outboxSize = database.prepare<[], number>('SELECT count(*) FROM outbox').pluck();
    this.#put = preparePut(database);
    this.#markPublished = prepareMarkPublished(database);
  }

  put(alerts: readonly StoredAlert[]): number {
    return this.#put(alerts);
  }

  get(alertId: string): StoredAlert | undefined {
    const row = this.#get.get(alertId);
    return row === undefined ? undefined : toAlert(row);
  }

  list(filter: AlertFilter): StoredAlert[] {
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    const where = (condition: string, value: string | number | undefined): void => {
      if (value === undefined) return;
      conditions.push(condition);
      values.push(value);
    };
    where('severity = ?', filter.severity);
    where('rule_id = ?', filter.ruleId);
    where('namespace = ?', filter.namespace);
    where('container_id = ?', filter.containerId);
    where('alerts.alert_number IN (SELECT alert_number FROM alert_images WHERE image = ?)', filter.image);
    where('time_unix_ms >= ?', filter.sinceUnixMs);
    const condition = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const sql = `SELECT ${knownColumns} FROM ${known} ${condition} ORDER BY time_unix_ms DESC, alerts.alert_number DESC LIMIT ?`;
    const statement = this.#database.prepare<(string | number)[], AlertRow>(sql);
    return statement.all(...values, filter.limit).map(toAlert);
  }

  readOutbox(limit: number): StoredAlert[] {
    const alerts = this.#outbox.all(limit).map(toAlert);
    return [...alerts, ...this.#updates.all(limit - alerts.length).map(toUpdate)];
  }

  markPublished(alertIds: readonly string[], atUnixMs: number): void {
    this.#markPublished(alertIds, atUnixMs);
  }

  outboxSize(): number {
    return this.#outboxSize.get() ?? 0;
  }

  /**
   * Published alerts go by age and by count, the least severe and of them the oldest first. An alert nobody has confirmed
   * goes only when such alerts alone are more than the bound.
   */
  prune(bornBeforeUnixMs: number, maxAlerts: number): { alerts: number; unpublishedAlerts: number } {
    const published = 'NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.alert_number = alerts.alert_number)';
    const aged = this.#removeChunks(`time_unix_ms < ${bornBeforeUnixMs} AND ${published}`, Number.POSITIVE_INFINITY);
    const excess = (): number => this.#count() - maxAlerts;
    let crowded = 0;
    for (const word of severityWords) crowded += this.#removeChunks(`severity = '${word}' AND ${published}`, excess());
    let unpublishedAlerts = 0;
    for (const word of severityWords) unpublishedAlerts += this.#removeChunks(`severity = '${word}'`, excess());
    return { alerts: aged + crowded + unpublishedAlerts, unpublishedAlerts };
  }

  #count(): number {
    return this.#database.prepare<[], number>('SELECT count(*) FROM alerts').pluck().get() ?? 0;
  }

  #removeChunks(condition: string, atMost: number): number {
    const remove = this.#database.prepare<[number]>(
      `DELETE FROM alerts WHERE alert_number IN
       (SELECT alert_number FROM alerts WHERE ${condition} ORDER BY alert_number LIMIT ?)`,
    );
    let removed = 0;
    while (removed < atMost) {
      const { changes } = remove.run(Math.min(pruneChunk, atMost - removed));
      removed += changes;
      if (changes === 0) break;
    }
    return removed;
  }
}

function preparePut(database: Database.Database): (alerts: readonly StoredAlert[]) => number {
  const insert = database.prepare<(string | number)[]>(
    `INSERT INTO alerts (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (alert_id) DO NOTHING`,
  );
  const enqueue = database.prepare<[number | bigint, number]>(
    'INSERT INTO outbox (alert_number, severity_rank) VALUES (?, ?)',
  );
  const nameImage = database.prepare<[string, number | bigint]>(
    'INSERT INTO alert_images (image, alert_number) VALUES (?, ?) ON CONFLICT DO NOTHING',
  );
  const container = database
    .prepare<[string, string], Uint8Array>('SELECT container FROM containers WHERE node_name = ? AND container_id = ?')
    .pluck();
  const run = database.transaction((alerts: readonly StoredAlert[]) => {
    let added = 0;
    for (const alert of alerts) {
      const { changes, lastInsertRowid } = insert.run(...toValues(alert));
      if (changes === 0) continue;
      added++;
      enqueue.run(lastInsertRowid, severityRank(alert.severity));
      const known = container.get(alert.nodeName, alert.containerId);
      for (const name of imageNames(alert, known)) nameImage.run(name, lastInsertRowid);
    }
    return added;
  });
  return (alerts) => run.immediate(alerts);
}

function imageNames(alert: StoredAlert, containerBytes: Uint8Array | undefined): Set<string> {
  const names = new Set([alert.imageReference]);
  const image = containerBytes === undefined ? undefined : Container.decode(containerBytes).image;
  for (const repoDigest of image?.repoDigests ?? [])
    names.add(repoDigest).add(repoDigest.slice(repoDigest.indexOf('@') + 1));
  names.add(image?.targetDigest ?? '').add(image?.configDigest ?? '');
  names.delete('');
  return names;
}

function prepareMarkPublished(database: Database.Database): (alertIds: readonly string[], atUnixMs: number) => void {
  const dequeue = database.prepare<[string]>(
    'DELETE FROM outbox WHERE alert_number = (SELECT alert_number FROM alerts WHERE alert_id = ?)',
  );
  const mark = database.prepare<[number, string]>('UPDATE alerts SET published_at_unix_ms = ? WHERE alert_id = ?');
  const run = database.transaction((alertIds: readonly string[], atUnixMs: number) => {
    for (const alertId of alertIds) if (dequeue.run(alertId).changes > 0) mark.run(atUnixMs, alertId);
  });
  return (alertIds, atUnixMs) => run.immediate(alertIds, atUnixMs);
}

function toValues(alert: StoredAlert): (string | number)[] {
  return [
    alert.alertId,
    alert.timeUnixMs,
    alert.severity,
    alert.ruleId,
    alert.namespace,
    alert.nodeName,
    alert.containerId,
    alert.imageReference,
    alert.subject,
    alert.traceparent,
    alert.cloudEvent,
  ];
}

function toAlert(row: AlertRow): StoredAlert {
  return {
    alertId: row.alert_id,
    timeUnixMs: row.time_unix_ms,
    severity: row.severity as SeverityWord,
    ruleId: row.rule_id,
    namespace: row.namespace,
    nodeName: row.node_name,
    containerId: row.container_id,
    imageReference: row.image_reference,
    subject: row.nats_subject,
    traceparent: row.traceparent,
    cloudEvent: row.cloud_event,
    ...repeatsOf(row),
  };
}

function repeatsOf(row: AlertRow): { repeats?: AlertRepeats } {
  const { repeat_count: count, repeats_first_unix_ms: firstUnixMs, repeats_last_unix_ms: lastUnixMs } = row;
  if (count == null || firstUnixMs == null || lastUnixMs == null) return {};
  return { repeats: { count, firstUnixMs, lastUnixMs } };
}

/** In the shape of an alert, for the outbox: with an id of its own. */
function toUpdate(row: UpdateRow): StoredAlert {
  const { repeats, ...alert } = toAlert(row);
  return { ...alert, alertId: updateIdOf(alert.alertId, repeats?.count ?? 0), cloudEvent: row.update_event };
}
