import type Database from 'better-sqlite3';
import { severityRank } from '../../decide/severity.ts';
import type { AlertSource, StoredAlert, StoredDecision } from '../store.ts';
import { decisionIdOf, parseDecisionId } from '../update-id.ts';

interface SourceRow {
  finding: Uint8Array;
  node: Uint8Array;
  received_at_unix_ms: number;
  papers_hash: string;
  decision_hash: string;
  revision: number;
}

interface WaitingRow {
  alert_id: string;
  revision: number;
  update_event: string;
  update_subject: string;
}

/** What alerts were decided from, and the outbox of the events that say that they were decided again. */
export class DecisionTable {
  readonly #source: Database.Statement<[string], SourceRow>;
  readonly #insert: Database.Statement<(string | number | Uint8Array)[]>;
  readonly #put: (decision: StoredDecision) => boolean;
  readonly #waiting: Database.Statement<[number], WaitingRow>;
  readonly #published: Database.Statement<[string, number]>;
  readonly #size: Database.Statement<[], number>;

  constructor(database: Database.Database) {
    this.#source = database.prepare(
      `SELECT finding, node, received_at_unix_ms, papers_hash, decision_hash, revision
       FROM alert_decisions JOIN alerts USING (alert_number) WHERE alert_id = ?`,
    );
    this.#insert = database.prepare(
      `INSERT INTO alert_decisions (alert_number, finding, node, received_at_unix_ms, papers_hash, decision_hash)
       SELECT alert_number, ?, ?, ?, ?, ? FROM alerts WHERE alert_id = ? ON CONFLICT DO NOTHING`,
    );
    this.#waiting = database.prepare(
      `SELECT alert_id, revision, update_event, update_subject FROM alert_decisions JOIN alerts USING (alert_number)
       WHERE waiting = 1 ORDER BY alert_number LIMIT ?`,
    );
    this.#published = database.prepare(
      `UPDATE alert_decisions SET waiting = 0
       WHERE alert_number = (SELECT alert_number FROM alerts WHERE alert_id = ?) AND revision = ?`,
    );
    this.#size = database.prepare<[], number>('SELECT count(*) FROM alert_decisions WHERE waiting = 1').pluck();
    this.#put = preparePut(database);
  }

  get(alertId: string): AlertSource | undefined {
    const row = this.#source.get(alertId);
    if (row === undefined) return undefined;
    const { finding, node, revision } = row;
    const hashes = { papersHash: row.papers_hash, decisionHash: row.decision_hash };
    return { finding, node, receivedAtUnixMs: row.received_at_unix_ms, ...hashes, revision };
  }

  /** Beside alerts that have just been stored; of those that were there before it is known already. */
  add(alerts: readonly StoredAlert[]): void {
    for (const { alertId, source } of alerts) {
      if (source === undefined) continue;
      const { finding, node, receivedAtUnixMs, papersHash, decisionHash } = source;
      this.#insert.run(finding, node, receivedAtUnixMs, papersHash, decisionHash, alertId);
    }
  }

  /** False when the alert is gone, or was decided again by somebody else. */
  put(decision: StoredDecision): boolean {
    return this.#put(decision);
  }

  /** Events that wait to be published. */
  read(limit: number, alertOf: (alertId: string) => StoredAlert | undefined): StoredAlert[] {
    return this.#waiting.all(Math.max(0, limit)).flatMap((row) => {
      const alert = alertOf(row.alert_id);
      const event = { cloudEvent: row.update_event, subject: row.update_subject };
      return alert === undefined ? [] : [{ ...alert, ...event, alertId: decisionIdOf(row.alert_id, row.revision) }];
    });
  }

  /** False when the id is none of such an event. */
  markPublished(messageId: string): boolean {
    const update = parseDecisionId(messageId);
    if (update !== undefined) this.#published.run(update.alertId, update.revision);
    return update !== undefined;
  }

  get waiting(): number {
    return this.#size.get() ?? 0;
  }
}

function preparePut(database: Database.Database): (decision: StoredDecision) => boolean {
  const decided = database.prepare<(string | number)[]>(
    `UPDATE alert_decisions SET papers_hash = ?, decision_hash = ?, revision = ?, update_event = ?, update_subject = ?,
       waiting = ?
     WHERE alert_number = (SELECT alert_number FROM alerts WHERE alert_id = ?) AND revision < ?`,
  );
  const alert = database.prepare<[string, string, string, string]>(
    'UPDATE alerts SET severity = ?, nats_subject = ?, cloud_event = ? WHERE alert_id = ?',
  );
  const enqueue = database.prepare<[number, string]>(
    `INSERT INTO outbox (alert_number, severity_rank) SELECT alert_number, ? FROM alerts WHERE alert_id = ?
     ON CONFLICT DO NOTHING`,
  );
  const run = database.transaction((decision: StoredDecision): boolean => {
    const { alertId, papersHash, decisionHash, revision, updateEvent, updateSubject, publish } = decision;
    const waiting = publish === 'update' ? 1 : 0;
    const hashes = [papersHash, decisionHash];
    const { changes } = decided.run(...hashes, revision, updateEvent, updateSubject, waiting, alertId, revision);
    if (changes === 0) return false;
    alert.run(decision.severity, decision.subject, decision.cloudEvent, alertId);
    if (publish === 'alert') enqueue.run(severityRank(decision.severity), alertId);
    return true;
  });
  return (decision) => run.immediate(decision);
}
