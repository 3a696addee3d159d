import type Database from 'better-sqlite3';
import type { KnownImage } from '../../records/base/known-images.ts';

interface Row {
  chain_id: string;
  repository: string;
  tag: string;
  digest: string;
  layer_count: number;
  created_at_unix_ms: number | null;
}

/** An image that is seen again is written again after so long only: reading must not cost an fsync. */
const rewriteAfterMs = 24 * 3_600_000;
const maxFound = 64;

/** Images by the key of all their layers; those not seen for the longest go first. */
export class KnownImageTable {
  readonly #seen: Database.Statement<[string, string, string, string], number>;
  readonly #put: Database.Statement<[string, string, string, string, number, number | null, number]>;
  readonly #find: Database.Statement<[string, number], Row>;
  readonly #newest: Database.Statement<[string, string], number | null>;
  readonly #count: Database.Statement<[], number>;
  readonly #prune: Database.Statement<[number]>;

  constructor(database: Database.Database) {
    const same = 'chain_id = ? AND repository = ? AND tag = ? AND digest = ?';
    this.#seen = database
      .prepare<[string, string, string, string], number>(`SELECT seen_at_unix_ms FROM known_images WHERE ${same}`)
      .pluck();
    this.#put = database.prepare(
      `INSERT INTO known_images (chain_id, repository, tag, digest, layer_count, created_at_unix_ms, seen_at_unix_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET seen_at_unix_ms = excluded.seen_at_unix_ms`,
    );
    this.#find = database.prepare(
      'SELECT * FROM known_images WHERE chain_id = ? ORDER BY repository, tag DESC, created_at_unix_ms DESC LIMIT ?',
    );
    this.#newest = database
      .prepare<[string, string], number | null>(
        'SELECT max(created_at_unix_ms) FROM known_images WHERE repository = ? AND tag = ?',
      )
      .pluck();
    this.#count = database.prepare<[], number>('SELECT count(*) FROM known_images').pluck();
    this.#prune = database.prepare(
      `DELETE FROM known_images WHERE (chain_id, repository, tag, digest) IN
       (SELECT chain_id, repository, tag, digest FROM known_images ORDER BY seen_at_unix_ms LIMIT ?)`,
    );
  }

  put({ chainId, repository, tag, digest, layerCount, createdAtUnixMs }: KnownImage, seenAtUnixMs: number): void {
    const seen = this.#seen.get(chainId, repository, tag, digest);
    if (seen !== undefined && Math.abs(seenAtUnixMs - seen) < rewriteAfterMs) return;
    this.#put.run(chainId, repository, tag, digest, layerCount, createdAtUnixMs ?? null, seenAtUnixMs);
  }

  find(chainId: string): KnownImage[] {
    return this.#find.all(chainId, maxFound).map((row) => ({
      chainId: row.chain_id,
      repository: row.repository,
      tag: row.tag,
      digest: row.digest,
      layerCount: row.layer_count,
      createdAtUnixMs: row.created_at_unix_ms ?? undefined,
    }));
  }

  newest(repository: string, tag: string): number | undefined {
    return this.#newest.get(repository, tag) ?? undefined;
  }

  prune(maxImages: number): number {
    const excess = (this.#count.get() ?? 0) - maxImages;
    return excess > 0 ? this.#prune.run(excess).changes : 0;
  }
}
