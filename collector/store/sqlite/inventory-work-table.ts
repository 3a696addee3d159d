import type Database from 'better-sqlite3';
import type { InventoryWork } from '../store.ts';

interface Row {
  image_key: string;
  state: string;
  agent_id: string;
  request_id: string;
  attempts: number;
  reason: string;
  due_unix_ms: number;
  changed_unix_ms: number;
}

/** Which images have an inventory, and who was asked for the others. */
export class InventoryWorkTable {
  readonly #get: Database.Statement<[string], Row>;
  readonly #put: Database.Statement<(string | number)[]>;
  readonly #due: Database.Statement<[number, number], Row>;
  readonly #counts: Database.Statement<[], { state: InventoryWork['state']; rows: number }>;
  readonly #prune: Database.Statement<[number]>;

  constructor(database: Database.Database) {
    this.#get = database.prepare('SELECT * FROM inventory_work WHERE image_key = ?');
    this.#put = database.prepare(
      `INSERT OR REPLACE INTO inventory_work
       (image_key, state, agent_id, request_id, attempts, reason, due_unix_ms, changed_unix_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#due = database.prepare(
      `SELECT * FROM inventory_work WHERE state != 'received' AND due_unix_ms <= ? ORDER BY due_unix_ms LIMIT ?`,
    );
    this.#counts = database.prepare('SELECT state, count(*) AS rows FROM inventory_work GROUP BY state');
    this.#prune = database.prepare(
      `DELETE FROM inventory_work WHERE image_key IN
       (SELECT image_key FROM inventory_work ORDER BY state = 'received', changed_unix_ms LIMIT ?)`,
    );
  }

  get(imageKey: string): InventoryWork | undefined {
    const row = this.#get.get(imageKey);
    return row === undefined ? undefined : toWork(row);
  }

  put(work: InventoryWork): void {
    const { imageKey, state, agentId, requestId, attempts, reason, dueUnixMs, changedUnixMs } = work;
    this.#put.run(imageKey, state, agentId, requestId, attempts, reason, dueUnixMs, changedUnixMs);
  }

  due(nowUnixMs: number, limit: number): InventoryWork[] {
    return this.#due.all(nowUnixMs, limit).map(toWork);
  }

  count(): Record<InventoryWork['state'], number> {
    const counts = { wanted: 0, asked: 0, received: 0, failed: 0 };
    for (const { state, rows } of this.#counts.all()) counts[state] = rows;
    return counts;
  }

  prune(maxRows: number): number {
    const { wanted, asked, received, failed } = this.count();
    const excess = wanted + asked + received + failed - maxRows;
    return excess > 0 ? this.#prune.run(excess).changes : 0;
  }
}

function toWork(row: Row): InventoryWork {
  return {
    imageKey: row.image_key,
    state: row.state as InventoryWork['state'],
    agentId: row.agent_id,
    requestId: row.request_id,
    attempts: row.attempts,
    reason: row.reason,
    dueUnixMs: row.due_unix_ms,
    changedUnixMs: row.changed_unix_ms,
  };
}
