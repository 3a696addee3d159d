import type Database from 'better-sqlite3';
import type { StoredRepeats } from '../store.ts';
import { parseUpdateId } from '../update-id.ts';

/** How often alerts have come again; the outbox of the events that say so. */
export class RepeatsTable {
  readonly #put: Database.Statement<(string | number)[]>;
  readonly #published: Database.Statement<[string, number]>;
  readonly #size: Database.Statement<[], number>;

  constructor(database: Database.Database) {
    this.#put = database.prepare(
      `INSERT INTO alert_repeats (alert_number, count, first_unix_ms, last_unix_ms, update_event, waiting)
       SELECT alert_number, ?, ?, ?, ?, ? FROM alerts WHERE alert_id = ?
       ON CONFLICT (alert_number) DO UPDATE SET count = excluded.count, last_unix_ms = excluded.last_unix_ms,
         update_event = excluded.update_event, waiting = excluded.waiting
       WHERE excluded.count > alert_repeats.count`,
    );
    this.#published = database.prepare(
      `UPDATE alert_repeats SET waiting = 0
       WHERE alert_number = (SELECT alert_number FROM alerts WHERE alert_id = ?) AND count = ?`,
    );
    this.#size = database.prepare<[], number>('SELECT count(*) FROM alert_repeats WHERE waiting = 1').pluck();
  }

  /** False when as many or more were known, or the alert is not. */
  put({ alertId, count, firstUnixMs, lastUnixMs, updateEvent, publish }: StoredRepeats): boolean {
    const { changes } = this.#put.run(count, firstUnixMs, lastUnixMs, updateEvent, publish ? 1 : 0, alertId);
    return changes > 0;
  }

  /** False when the id is none of an update. */
  markPublished(messageId: string): boolean {
    const update = parseUpdateId(messageId);
    if (update !== undefined) this.#published.run(update.alertId, update.count);
    return update !== undefined;
  }

  /** Updates that wait to be published. */
  get waiting(): number {
    return this.#size.get() ?? 0;
  }
}
