import type Database from 'better-sqlite3';
import type { ObservationKind, StoredObservation } from '../store.ts';

interface ObservationRow {
  node_name: string;
  container_id: string;
  kind: string;
  fact: string;
  first_seen_unix_ms: number;
  last_seen_unix_ms: number;
}

/** What containers were seen doing, one row per fact. */
export class ObservationTable {
  readonly #put: (observations: readonly StoredObservation[]) => number;
  readonly #list: Database.Statement<[string, string], ObservationRow>;
  readonly #prune: Database.Statement<[number]>;
  readonly #count: Database.Statement<[], number>;
  readonly #pruneExcess: Database.Statement<[number]>;

  constructor(database: Database.Database, maxPerContainer: number) {
    this.#put = preparePut(database, maxPerContainer);
    this.#list = database.prepare(
      `SELECT node_name, container_id, kind, fact, first_seen_unix_ms, last_seen_unix_ms FROM observations
       WHERE node_name = ? AND container_id = ? ORDER BY first_seen_unix_ms, kind, fact`,
    );
    // A container may be reported after its first observation, so facts without a container wait as long as exited ones.
    this.#prune = database.prepare(
      `DELETE FROM observations WHERE last_seen_unix_ms < ? AND NOT EXISTS (SELECT 1 FROM containers
       WHERE containers.node_name = observations.node_name AND containers.container_id = observations.container_id)`,
    );
    this.#count = database.prepare<[], number>('SELECT count(*) FROM observations').pluck();
    this.#pruneExcess = database.prepare(
      `DELETE FROM observations WHERE (node_name, container_id, kind, fact) IN
       (SELECT node_name, container_id, kind, fact FROM observations ORDER BY last_seen_unix_ms LIMIT ?)`,
    );
  }

  /** Answers how many were refused because their container had its fill. */
  put(observations: readonly StoredObservation[]): number {
    return this.#put(observations);
  }

  list(nodeName: string, containerId: string): StoredObservation[] {
    return this.#list.all(nodeName, containerId).map((row) => ({
      nodeName: row.node_name,
      containerId: row.container_id,
      kind: row.kind as ObservationKind,
      fact: row.fact,
      firstSeenUnixMs: row.first_seen_unix_ms,
      lastSeenUnixMs: row.last_seen_unix_ms,
    }));
  }

  prune(lastSeenBeforeUnixMs: number, maxObservations: number): number {
    const orphans = this.#prune.run(lastSeenBeforeUnixMs).changes;
    const excess = (this.#count.get() ?? 0) - maxObservations;
    return orphans + (excess > 0 ? this.#pruneExcess.run(excess).changes : 0);
  }
}

function preparePut(database: Database.Database, maxPerContainer: number): typeof ObservationTable.prototype.put {
  const update = database.prepare<(string | number)[]>(
    `UPDATE observations SET first_seen_unix_ms = min(first_seen_unix_ms, ?), last_seen_unix_ms = max(last_seen_unix_ms, ?)
     WHERE node_name = ? AND container_id = ? AND kind = ? AND fact = ?`,
  );
  const insert = database.prepare<(string | number)[]>(
    `INSERT INTO observations (first_seen_unix_ms, last_seen_unix_ms, node_name, container_id, kind, fact)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const count = database
    .prepare<[string, string], number>('SELECT count(*) FROM observations WHERE node_name = ? AND container_id = ?')
    .pluck();
  const run = database.transaction((observations: readonly StoredObservation[]) => {
    let refused = 0;
    for (const seen of observations) {
      const values = [seen.firstSeenUnixMs, seen.lastSeenUnixMs, seen.nodeName, seen.containerId, seen.kind, seen.fact];
      if (update.run(...values).changes > 0) continue;
      if ((count.get(seen.nodeName, seen.containerId) ?? 0) >= maxPerContainer) refused++;
      else insert.run(...values);
    }
    return refused;
  });
  return (observations) => run.immediate(observations);
}
