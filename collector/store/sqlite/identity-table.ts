import type Database from 'better-sqlite3';
import type { KnownIdentity } from '../../records/papers.ts';

interface IdentityRow {
  repository: string;
  index_digest: string;
  manifest_digest: string;
  config_digest: string;
  platform: string;
}

const maxFound = 16;
/** What is seen again is written again at most so often: every look-up sees something. */
const refreshMs = 3_600_000;

/** Index, manifest and config digests that belong together; those not seen for longest go first. */
export class IdentityTable {
  readonly #find: Database.Statement<[string, string, string, number], IdentityRow>;
  readonly #put: (identities: readonly KnownIdentity[], seenAtUnixMs: number) => void;
  readonly #count: Database.Statement<[], number>;
  readonly #prune: Database.Statement<[number]>;

  constructor(database: Database.Database) {
    this.#find = database.prepare(
      `SELECT repository, index_digest, manifest_digest, config_digest, platform FROM image_identities
       WHERE manifest_digest = ? OR index_digest = ? OR config_digest = ?
       ORDER BY seen_at_unix_ms DESC, index_digest DESC LIMIT ?`,
    );
    const put = database.prepare<(string | number)[]>(
      `INSERT INTO image_identities (manifest_digest, index_digest, repository, config_digest, platform, seen_at_unix_ms)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET seen_at_unix_ms = excluded.seen_at_unix_ms
       WHERE excluded.seen_at_unix_ms > image_identities.seen_at_unix_ms + ${refreshMs}`,
    );
    this.#put = database.transaction((identities: readonly KnownIdentity[], seenAtUnixMs: number) => {
      for (const { manifestDigest, indexDigest = '', repository, configDigest, platform = '' } of identities)
        put.run(manifestDigest, indexDigest, repository, configDigest, platform, seenAtUnixMs);
    });
    this.#count = database.prepare<[], number>('SELECT count(*) FROM image_identities').pluck();
    this.#prune = database.prepare(
      `DELETE FROM image_identities WHERE (manifest_digest, index_digest, repository) IN
       (SELECT manifest_digest, index_digest, repository FROM image_identities ORDER BY seen_at_unix_ms LIMIT ?)`,
    );
  }

  /** Most recently seen first. */
  find(digest: string): KnownIdentity[] {
    if (digest === '') return [];
    return this.#find.all(digest, digest, digest, maxFound).map((row) => ({
      repository: row.repository,
      indexDigest: row.index_digest || undefined,
      manifestDigest: row.manifest_digest,
      configDigest: row.config_digest,
      platform: row.platform || undefined,
    }));
  }

  put(identities: readonly KnownIdentity[], seenAtUnixMs: number): void {
    this.#put(identities, seenAtUnixMs);
  }

  prune(maxIdentities: number): number {
    const excess = (this.#count.get() ?? 0) - maxIdentities;
    return excess > 0 ? this.#prune.run(excess).changes : 0;
  }
}
