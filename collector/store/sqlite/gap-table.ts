import type Database from 'better-sqlite3';
import { Gap } from '../../../proto/generated/tallyman/v1/uplink.ts';
import type { GapFilter, StoredGap } from '../store.ts';

interface GapRow {
  node_name: string;
  received_at_unix_ms: number;
  gap: Uint8Array;
}

type Values = (string | number)[];

/** What is known not to have been seen. */
export class GapTable {
  readonly #database: Database.Database;
  readonly #put: (gap: StoredGap) => void;
  readonly #prune: Database.Statement<[number, number]>;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#put = preparePut(database);
    this.#prune = database.prepare(
      `DELETE FROM gaps WHERE received_at_unix_ms < ? OR gap_id NOT IN (SELECT gap_id FROM gaps ORDER BY gap_id DESC LIMIT ?)`,
    );
  }

  put(gap: StoredGap): void {
    this.#put(gap);
  }

  /** Newest first. */
  list(filter: GapFilter): StoredGap[] {
    const conditions: [string, string | number | undefined][] = [
      ['node_name = ?', filter.nodeName],
      ['to_unix_ms >= ?', filter.fromUnixMs],
      ['from_unix_ms <= ?', filter.toUnixMs],
      [
        `(NOT EXISTS (SELECT 1 FROM gap_containers WHERE gap_containers.gap_id = gaps.gap_id)
          OR EXISTS (SELECT 1 FROM gap_containers WHERE gap_containers.gap_id = gaps.gap_id AND container_id = ?))`,
        filter.containerId,
      ],
    ];
    const used = conditions.filter(([, value]) => value !== undefined);
    const where = used.length === 0 ? '' : `WHERE ${used.map(([condition]) => condition).join(' AND ')}`;
    const sql = `SELECT node_name, received_at_unix_ms, gap FROM gaps ${where} ORDER BY gap_id DESC LIMIT ?`;
    const values = [...used.map(([, value]) => value as string | number), filter.limit];
    return this.#database
      .prepare<Values, GapRow>(sql)
      .all(...values)
      .map((row) => ({
        nodeName: row.node_name,
        gap: Gap.decode(row.gap),
        receivedAtUnixMs: row.received_at_unix_ms,
      }));
  }

  prune(receivedBeforeUnixMs: number, maxGaps: number): number {
    return this.#prune.run(receivedBeforeUnixMs, maxGaps).changes;
  }
}

function preparePut(database: Database.Database): (gap: StoredGap) => void {
  const insert = database.prepare<[string, number, number, number, Uint8Array]>(
    `INSERT OR IGNORE INTO gaps (node_name, received_at_unix_ms, from_unix_ms, to_unix_ms, gap) VALUES (?, ?, ?, ?, ?)`,
  );
  const insertContainer = database.prepare<Values>(
    'INSERT OR IGNORE INTO gap_containers (gap_id, container_id) VALUES (?, ?)',
  );
  const run = database.transaction(({ nodeName, gap, receivedAtUnixMs }: StoredGap) => {
    const bytes = Gap.encode(gap).finish();
    const [from, to] = [toUnixMs(gap.fromUnixNs), toUnixMs(gap.toUnixNs)];
    const { changes, lastInsertRowid } = insert.run(nodeName, receivedAtUnixMs, from, to, bytes);
    if (changes === 0) return;
    for (const id of gap.containerIds) insertContainer.run(Number(lastInsertRowid), id);
  });
  return (gap) => run.immediate(gap);
}

function toUnixMs(unixNs: bigint): number {
  return Number(unixNs / 1_000_000n);
}
