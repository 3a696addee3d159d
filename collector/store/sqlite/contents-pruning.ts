import type Database from 'better-sqlite3';
import type { LastUse } from './last-use.ts';

export interface ContentsBounds {
  maxContents: number;
  /** Sum of the compressed sizes of chunks. */
  maxContentsBytes: number;
}

/** Contents removed, and rows looked at, in one call at most: it is one pause for everything else. */
const maxRemoved = 200;
const maxLookedAt = 20_000;
/** Removed for each that comes when there is no room: more than come, so that room is made. */
const removedForOne = 2;

/** Keeps contents within their bounds: the least recently used go first, with them what nothing else uses. */
export class ContentsPruning {
  readonly #database: Database.Database;
  readonly #bounds: ContentsBounds;
  #storedBytes: number;
  readonly #touch: Database.Statement<[number, number]>;
  readonly #count: Database.Statement<[], number>;
  readonly #bytes: Database.Statement<[], number>;
  readonly #nameless: Database.Statement<[number], number>;
  readonly #oldest: Database.Statement<[number], number>;
  readonly #chunksOf: Database.Statement<[number], number>;
  readonly #remove: Database.Statement<[number]>;
  readonly #removeChunk: Database.Statement<[number], number>;
  readonly #chunks: Sweep;
  readonly #packages: Sweep;

  constructor(database: Database.Database, bounds: ContentsBounds) {
    this.#database = database;
    this.#bounds = bounds;
    const ids = (sql: string): Database.Statement<[number], number> => database.prepare<[number], number>(sql).pluck();
    this.#touch = database.prepare('UPDATE contents SET used_at_unix_ms = ? WHERE contents_id = ?');
    this.#count = database.prepare<[], number>('SELECT count(*) FROM contents').pluck();
    this.#bytes = database.prepare<[], number>('SELECT coalesce(sum(stored_bytes), 0) FROM contents_chunks').pluck();
    this.#storedBytes = this.#bytes.get() ?? 0;
    this.#nameless = ids(
      `SELECT contents_id FROM contents WHERE NOT EXISTS
       (SELECT 1 FROM contents_names WHERE contents_names.contents_id = contents.contents_id) LIMIT ?`,
    );
    this.#oldest = ids('SELECT contents_id FROM contents ORDER BY used_at_unix_ms LIMIT ?');
    this.#chunksOf = ids('SELECT chunk_id FROM contents_uses WHERE contents_id = ?');
    this.#remove = database.prepare('DELETE FROM contents WHERE contents_id = ?');
    this.#removeChunk = ids(
      `DELETE FROM contents_chunks WHERE chunk_id = ?
       AND NOT EXISTS (SELECT 1 FROM contents_uses WHERE contents_uses.chunk_id = contents_chunks.chunk_id)
       RETURNING stored_bytes`,
    );
    this.#chunks = new Sweep(database, 'contents_chunks', 'chunk_id', 'contents_uses');
    this.#packages = new Sweep(database, 'contents_packages', 'package_id', 'contents_chunk_packages');
  }

  added(storedBytes: number): void {
    this.#storedBytes += storedBytes;
  }

  /** After contents came: lets go of the oldest when there is too much, so that no burst outruns pruning. */
  makeRoom(used: LastUse<number>, newContentsId: number): void {
    if (this.#excess() === 0) return;
    this.#touchAll(used);
    this.#removeAll(this.#oldest.all(removedForOne).filter((contentsId) => contentsId !== newContentsId));
  }

  /** Answers how many contents were removed. */
  prune(used: LastUse<number>): number {
    return this.#database.transaction(() => {
      this.#touchAll(used);
      this.#storedBytes = this.#bytes.get() ?? 0;
      const nameless = this.#nameless.all(maxRemoved);
      this.#removeAll(nameless);
      const oldest = this.#oldest.all(Math.min(this.#excess(), maxRemoved));
      this.#removeAll(oldest);
      // What a write left behind that was cut short, some rows at a time.
      this.#chunks.step();
      this.#packages.step();
      return nameless.length + oldest.length;
    })();
  }

  /** How many contents are too many. How much each frees is not known, since parts are shared: a twentieth at a time. */
  #excess(): number {
    const count = this.#count.get() ?? 0;
    const isTooLarge = this.#storedBytes > this.#bounds.maxContentsBytes;
    return Math.max(0, count - this.#bounds.maxContents, isTooLarge ? Math.ceil(count / 20) : 0);
  }

  #touchAll(used: LastUse<number>): void {
    for (const [contentsId, usedAtUnixMs] of used.drain()) this.#touch.run(usedAtUnixMs, contentsId);
  }

  #removeAll(contentsIds: readonly number[]): void {
    const chunks = new Set(contentsIds.flatMap((contentsId) => this.#chunksOf.all(contentsId)));
    for (const contentsId of contentsIds) this.#remove.run(contentsId);
    for (const chunkId of chunks) this.#storedBytes -= this.#removeChunk.get(chunkId) ?? 0;
  }
}

/** Walks over a table again and again, and removes rows that no row of another table refers to. */
class Sweep {
  readonly #end: Database.Statement<[number, number], number>;
  readonly #remove: Database.Statement<[number, number]>;
  #position = 0;

  constructor(database: Database.Database, table: string, id: string, users: string) {
    this.#end = database
      .prepare<[number, number], number>(`SELECT max(${id}) FROM (SELECT ${id} FROM ${table} WHERE ${id} > ? LIMIT ?)`)
      .pluck();
    this.#remove = database.prepare(
      `DELETE FROM ${table} WHERE ${id} > ? AND ${id} <= ?
       AND NOT EXISTS (SELECT 1 FROM ${users} WHERE ${users}.${id} = ${table}.${id})`,
    );
  }

  step(): void {
    const end = this.#end.get(this.#position, maxLookedAt) ?? 0;
    if (end > 0) this.#remove.run(this.#position, end);
    this.#position = end;
  }
}
