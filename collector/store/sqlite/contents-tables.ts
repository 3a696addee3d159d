import { createHash } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type Database from 'better-sqlite3';
import type { ContentsKind, ImageWithPackage, PackageQuery } from '../../records/contents/contents-cache.ts';
import type { Chunk, ContentsHead } from '../../records/contents/encode.ts';
import { type ContentsBounds, ContentsPruning } from './contents-pruning.ts';
import { LastUse } from './last-use.ts';
import { PackageTables } from './package-tables.ts';

interface BlobRow {
  id: number;
  hash: Buffer;
  bytes: Buffer;
  rawBytes: number;
}

/** A document's head is some kilobytes; this bounds what a damaged size could make this process allocate. */
const maxRawBytes = 64 * 1024 * 1024;

/** What images contain: chunks by hash, heads by name, packages → chunks → images. */
export class ContentsTables {
  readonly #database: Database.Database;
  readonly #used = new LastUse<number>();
  /** Chunks that were found damaged: to be written again when they come again. */
  readonly #damaged = new Set<string>();
  readonly #packages: PackageTables;
  readonly #pruning: ContentsPruning;
  readonly #chunkId: Database.Statement<[Uint8Array], number>;
  readonly #putChunk: Database.Statement<[Uint8Array, Uint8Array, number, number], number>;
  readonly #getChunk: Database.Statement<[Uint8Array], BlobRow>;
  readonly #getHead: Database.Statement<[string, string], BlobRow>;
  readonly #putHead: Database.Statement<[Uint8Array, Uint8Array, number, number], number>;
  readonly #putName: Database.Statement<[string, string, number]>;
  readonly #putUse: Database.Statement<[number, number]>;

  constructor(database: Database.Database, bounds: ContentsBounds) {
    this.#database = database;
    this.#packages = new PackageTables(database);
    this.#pruning = new ContentsPruning(database, bounds);
    this.#chunkId = database
      .prepare<[Uint8Array], number>('SELECT chunk_id FROM contents_chunks WHERE hash = ?')
      .pluck();
    this.#putChunk = database
      .prepare<[Uint8Array, Uint8Array, number, number], number>(
        `INSERT INTO contents_chunks (hash, bytes, raw_bytes, stored_bytes) VALUES (?, ?, ?, ?)
         ON CONFLICT (hash) DO UPDATE SET bytes = excluded.bytes RETURNING chunk_id`,
      )
      .pluck();
    this.#getChunk = database.prepare(
      'SELECT chunk_id AS id, hash, bytes, raw_bytes AS rawBytes FROM contents_chunks WHERE hash = ?',
    );
    this.#getHead = database.prepare(
      `SELECT contents_id AS id, hash, head AS bytes, raw_bytes AS rawBytes
       FROM contents_names JOIN contents USING (contents_id) WHERE name = ? AND kind = ?`,
    );
    this.#putHead = database
      .prepare<[Uint8Array, Uint8Array, number, number], number>(
        `INSERT INTO contents (hash, head, raw_bytes, used_at_unix_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (hash) DO UPDATE SET head = excluded.head, used_at_unix_ms = excluded.used_at_unix_ms
         RETURNING contents_id`,
      )
      .pluck();
    this.#putName = database.prepare(
      `INSERT INTO contents_names (name, kind, contents_id) VALUES (?, ?, ?)
       ON CONFLICT (name, kind) DO UPDATE SET contents_id = excluded.contents_id`,
    );
    this.#putUse = database.prepare('INSERT OR IGNORE INTO contents_uses (chunk_id, contents_id) VALUES (?, ?)');
  }

  hasChunk(hash: string): boolean {
    return !this.#damaged.has(hash) && this.#chunkId.get(Buffer.from(hash, 'hex')) !== undefined;
  }

  putChunks(chunks: readonly Chunk[]): void {
    this.#database.transaction(() => {
      for (const { hash, bytes, packages } of chunks) {
        if (this.hasChunk(hash)) continue;
        const stored = compress(bytes);
        const chunkId = this.#putChunk.get(Buffer.from(hash, 'hex'), stored, bytes.length, stored.length) ?? 0;
        this.#pruning.added(stored.length);
        this.#packages.put(chunkId, packages);
      }
    })();
    for (const { hash } of chunks) this.#damaged.delete(hash);
  }

  getChunk(hash: string): Buffer | undefined {
    const row = this.#getChunk.get(Buffer.from(hash, 'hex'));
    const bytes = row === undefined ? undefined : checkedBytes(row);
    if (row !== undefined && bytes === undefined) this.#damaged.add(hash);
    return bytes;
  }

  put(names: readonly string[], kind: ContentsKind, head: ContentsHead): void {
    const bytes = Buffer.from(JSON.stringify(head));
    this.#database.transaction(() => {
      const contentsId = this.#putHead.get(sha256(bytes), compress(bytes), bytes.length, Date.now()) ?? 0;
      for (const layer of head.layers)
        for (const hash of [...layer.packages, ...layer.files.map(([file]) => file)])
          this.#putUse.run(this.#knownChunk(hash), contentsId);
      for (const name of names) this.#putName.run(name, kind, contentsId);
      this.#pruning.makeRoom(this.#used, contentsId);
    })();
  }

  get(name: string, kind: ContentsKind): ContentsHead | undefined {
    const row = this.#getHead.get(name, kind);
    const bytes = row === undefined ? undefined : checkedBytes(row);
    if (row === undefined || bytes === undefined) return undefined;
    this.#used.touch(row.id);
    return JSON.parse(bytes.toString('utf8')) as ContentsHead;
  }

  imagesWithPackage(query: PackageQuery, limit: number): ImageWithPackage[] {
    return this.#packages.images(query, limit);
  }

  /** Answers how many contents were removed. */
  prune(): number {
    return this.#pruning.prune(this.#used);
  }

  #knownChunk(hash: string): number {
    const chunkId = this.#chunkId.get(Buffer.from(hash, 'hex'));
    if (chunkId === undefined) throw new RangeError(`contents name chunk ${hash}, which was not stored`);
    return chunkId;
  }
}

function compress(bytes: Uint8Array): Buffer {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 6 } });
}

/** Undefined when they are not what was written. */
function checkedBytes({ hash, bytes, rawBytes }: BlobRow): Buffer | undefined {
  try {
    const raw = zstdDecompressSync(bytes, { maxOutputLength: Math.min(maxRawBytes, Math.max(1, rawBytes)) });
    return sha256(raw).equals(hash) ? raw : undefined;
  } catch {
    return undefined;
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
