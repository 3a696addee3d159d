import type Database from 'better-sqlite3';
import { Severity } from '../../../proto/generated/tallyman/v1/finding.ts';
import { Item, Node } from '../../../proto/generated/tallyman/v1/uplink.ts';
import { judgeSequence } from '../sequence.ts';
import type { InboxItem } from '../store.ts';

export interface BatchSource {
  agentId: string;
  epoch: bigint;
  node: Node;
}

interface InboxRow {
  inbox_id: number;
  agent_id: string;
  /** In text: a 64-bit number. */
  epoch: string;
  node: Uint8Array;
  item: Uint8Array;
  received_at_unix_ms: number;
}

/** Received items until they have been worked on, and the numbering of each agent's batches. */
export class InboxTable {
  readonly #storeBatch: (source: BatchSource, sequence: bigint, items: readonly Item[], nowUnixMs: number) => bigint;
  readonly #finish: (inboxIds: readonly number[]) => number;
  readonly #acked: Database.Statement<[string, bigint], bigint>;
  readonly #read: Database.Statement<[number, number], InboxRow>;
  readonly #readOf: Database.Statement<[number, number, number], InboxRow>;
  readonly #pruneSources: Database.Statement<[number]>;
  /** Rows in the table: this process is the only writer, so counting once is enough. */
  #size: number;

  constructor(database: Database.Database) {
    this.#size = database.prepare<[], number>('SELECT count(*) FROM inbox').pluck().get() ?? 0;
    this.#acked = database
      .prepare<[string, bigint], bigint>('SELECT acked_sequence FROM sources WHERE agent_id = ? AND epoch = ?')
      .pluck()
      .safeIntegers();
    const rows = `SELECT inbox_id, agent_id, CAST(epoch AS TEXT) AS epoch, node, item, received_at_unix_ms
      FROM inbox JOIN sources USING (source_id)`;
    this.#read = database.prepare(`${rows} WHERE inbox_id > ? ORDER BY inbox_id LIMIT ?`);
    this.#readOf = database.prepare(`${rows} WHERE urgent = ? AND inbox_id > ? ORDER BY inbox_id LIMIT ?`);
    this.#pruneSources = database.prepare(
      `DELETE FROM sources WHERE updated_at_unix_ms < ?
       AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.source_id = sources.source_id)`,
    );
    this.#storeBatch = this.#prepareStoreBatch(database);
    this.#finish = prepareFinish(database);
  }

  get size(): number {
    return this.#size;
  }

  acknowledgedSequence(agentId: string, epoch: bigint): bigint {
    return this.#acked.get(agentId, epoch) ?? 0n;
  }

  storeBatch(source: BatchSource, sequence: bigint, items: readonly Item[], nowUnixMs: number): bigint {
    const acked = this.acknowledgedSequence(source.agentId, source.epoch);
    if (judgeSequence(acked, sequence) !== 'next') return acked;
    const stored = this.#storeBatch(source, sequence, items, nowUnixMs);
    this.#size += items.length;
    return stored;
  }

  read(afterInboxId: number, limit: number, urgent: boolean | undefined): InboxItem[] {
    const rows =
      urgent === undefined
        ? this.#read.all(afterInboxId, limit)
        : this.#readOf.all(urgent ? 1 : 0, afterInboxId, limit);
    return rows.map((row) => ({
      inboxId: row.inbox_id,
      node: Node.decode(row.node),
      agentId: row.agent_id,
      agentEpochUnixNs: BigInt(row.epoch),
      item: decodeItem(row.item),
      receivedAtUnixMs: row.received_at_unix_ms,
    }));
  }

  finish(inboxIds: readonly number[]): void {
    this.#size -= this.#finish(inboxIds);
  }

  pruneSources(untouchedSinceUnixMs: number): number {
    return this.#pruneSources.run(untouchedSinceUnixMs).changes;
  }

  #prepareStoreBatch(database: Database.Database): typeof this.storeBatch {
    const upsertSource = database
      .prepare<[string, bigint, Uint8Array, bigint, number], number>(
        `INSERT INTO sources (agent_id, epoch, node, acked_sequence, updated_at_unix_ms) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (agent_id, epoch) DO UPDATE SET
           node = excluded.node, acked_sequence = excluded.acked_sequence, updated_at_unix_ms = excluded.updated_at_unix_ms
         RETURNING source_id`,
      )
      .pluck();
    const insert = database.prepare<[number, Uint8Array, number, number]>(
      'INSERT INTO inbox (source_id, item, received_at_unix_ms, urgent) VALUES (?, ?, ?, ?)',
    );
    const run = database.transaction((source: BatchSource, sequence: bigint, items: readonly Item[], now: number) => {
      const node = Node.encode(source.node).finish();
      const sourceId = upsertSource.get(source.agentId, source.epoch, node, sequence, now) as number;
      for (const item of items) insert.run(sourceId, Item.encode(item).finish(), now, isUrgent(item) ? 1 : 0);
      return sequence;
    });
    return (source, sequence, items, nowUnixMs) => run.immediate(source, sequence, items, nowUnixMs);
  }
}

/** Worked on beside and before all others: what must not wait behind a flood of lesser things. */
function isUrgent({ item }: Item): boolean {
  if (item?.$case !== 'finding' && item?.$case !== 'findingRepeats') return false;
  const { severity } = item.value;
  return severity >= Severity.HIGH || severity === Severity.UNSPECIFIED;
}

/** An item that cannot be decoded (written by another version) is handed on empty: it is counted there instead of blocking the rest. */
function decodeItem(bytes: Uint8Array): Item {
  try {
    return Item.decode(bytes);
  } catch {
    return { item: undefined };
  }
}

function prepareFinish(database: Database.Database): (inboxIds: readonly number[]) => number {
  const remove = database.prepare<[number]>('DELETE FROM inbox WHERE inbox_id = ?');
  const run = database.transaction((inboxIds: readonly number[]) => {
    let removed = 0;
    for (const inboxId of inboxIds) removed += remove.run(inboxId).changes;
    return removed;
  });
  return (inboxIds) => run.immediate(inboxIds);
}
