import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type Database from 'better-sqlite3';
import type { Papers } from '../../records/papers.ts';
import { LastUse } from './last-use.ts';

interface DocumentRow {
  document: Uint8Array;
  raw_bytes: number;
}

export interface DocumentBounds {
  /** A larger document is not kept; it is fetched again when needed. */
  maxDocumentBytes: number;
  /** Sum of the compressed sizes. */
  maxDocumentsBytes: number;
}

/** Papers by key, least recently used ones go first. */
export class PapersTable {
  readonly #used = new LastUse<string>();
  readonly #get: Database.Statement<[string], string>;
  readonly #put: Database.Statement<[string, string, number]>;
  readonly #touch: Database.Statement<[number, string]>;
  readonly #count: Database.Statement<[], number>;
  readonly #prune: Database.Statement<[number]>;

  constructor(database: Database.Database) {
    this.#get = database.prepare<[string], string>('SELECT papers FROM papers WHERE papers_key = ?').pluck();
    this.#put = database.prepare(
      `INSERT INTO papers (papers_key, papers, used_at_unix_ms) VALUES (?, ?, ?)
       ON CONFLICT (papers_key) DO UPDATE SET papers = excluded.papers, used_at_unix_ms = excluded.used_at_unix_ms`,
    );
    this.#touch = database.prepare('UPDATE papers SET used_at_unix_ms = ? WHERE papers_key = ?');
    this.#count = database.prepare<[], number>('SELECT count(*) FROM papers').pluck();
    this.#prune = database.prepare(
      'DELETE FROM papers WHERE papers_key IN (SELECT papers_key FROM papers ORDER BY used_at_unix_ms LIMIT ?)',
    );
  }

  get(key: string): Papers | undefined {
    const text = this.#get.get(key);
    if (text === undefined) return undefined;
    this.#used.touch(key);
    return JSON.parse(text) as Papers;
  }

  put(key: string, papers: Papers): void {
    this.#put.run(key, JSON.stringify(papers), Date.now());
  }

  prune(maxPapers: number): number {
    for (const [key, usedAtUnixMs] of this.#used.drain()) this.#touch.run(usedAtUnixMs, key);
    const excess = (this.#count.get() ?? 0) - maxPapers;
    return excess > 0 ? this.#prune.run(excess).changes : 0;
  }
}

/** Documents by digest, compressed, bounded by the sum of their sizes. */
export class DocumentTable {
  readonly #bounds: DocumentBounds;
  readonly #used = new LastUse<string>();
  readonly #has: Database.Statement<[string], number>;
  readonly #get: Database.Statement<[string], DocumentRow>;
  readonly #put: Database.Statement<[string, string, Uint8Array, number, number]>;
  readonly #touch: Database.Statement<[number, string]>;
  readonly #sizes: Database.Statement<[], { digest: string; bytes: number }>;
  readonly #remove: Database.Statement<[string]>;

  constructor(database: Database.Database, bounds: DocumentBounds) {
    this.#bounds = bounds;
    this.#get = database.prepare('SELECT document, raw_bytes FROM documents WHERE digest = ?');
    this.#has = database.prepare<[string], number>('SELECT 1 FROM documents WHERE digest = ?').pluck();
    this.#put = database.prepare(
      `INSERT INTO documents (digest, media_type, document, raw_bytes, used_at_unix_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (digest) DO UPDATE SET used_at_unix_ms = excluded.used_at_unix_ms`,
    );
    this.#touch = database.prepare('UPDATE documents SET used_at_unix_ms = ? WHERE digest = ?');
    this.#sizes = database.prepare(
      'SELECT digest, length(document) AS bytes FROM documents ORDER BY used_at_unix_ms DESC',
    );
    this.#remove = database.prepare('DELETE FROM documents WHERE digest = ?');
  }

  has(digest: string): boolean {
    return this.#has.get(digest) !== undefined;
  }

  get(digest: string): Uint8Array | undefined {
    const row = this.#get.get(digest);
    if (row === undefined) return undefined;
    this.#used.touch(digest);
    return zstdDecompressSync(row.document, { maxOutputLength: Math.max(1, row.raw_bytes) });
  }

  /** False when the document is too large to be kept. */
  put(digest: string, mediaType: string, bytes: Uint8Array): boolean {
    if (bytes.byteLength > this.#bounds.maxDocumentBytes) return false;
    const compressed = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
    this.#put.run(digest, mediaType, compressed, bytes.byteLength, Date.now());
    return true;
  }

  prune(): number {
    for (const [digest, usedAtUnixMs] of this.#used.drain()) this.#touch.run(usedAtUnixMs, digest);
    let kept = 0;
    let removed = 0;
    for (const { digest, bytes } of this.#sizes.all()) {
      if (kept + bytes <= this.#bounds.maxDocumentsBytes) kept += bytes;
      else removed += this.#remove.run(digest).changes;
    }
    return removed;
  }
}
