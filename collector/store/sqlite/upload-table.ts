import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type Database from 'better-sqlite3';
import type { DocumentKind } from '../../records/intake/document-kind.ts';
import type { Upload } from '../../records/intake/upload.ts';

interface UploadRow {
  image_digest: string;
  document_digest: string;
  name: string;
  origin: 'api' | 'directory';
  kind: DocumentKind;
  received_at_unix_ms: number;
  raw_bytes: number;
}

/** Papers that were brought. */
export class UploadTable {
  readonly #list: Database.Statement<[], UploadRow>;
  readonly #get: Database.Statement<[string, string], { document: Uint8Array; raw_bytes: number }>;
  readonly #put: Database.Statement<(string | number | Uint8Array)[]>;
  readonly #remove: Database.Statement<[string, string]>;

  constructor(database: Database.Database) {
    const columns = 'image_digest, document_digest, name, origin, kind, received_at_unix_ms, raw_bytes';
    this.#list = database.prepare(`SELECT ${columns} FROM uploads ORDER BY received_at_unix_ms, rowid`);
    this.#get = database.prepare(
      'SELECT document, raw_bytes FROM uploads WHERE image_digest = ? AND document_digest = ?',
    );
    this.#put = database.prepare(
      `INSERT OR REPLACE INTO uploads (${columns}, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#remove = database.prepare('DELETE FROM uploads WHERE image_digest = ? AND document_digest = ?');
  }

  list(): Upload[] {
    return this.#list.all().map((row) => ({
      imageDigest: row.image_digest,
      documentDigest: row.document_digest,
      name: row.name,
      origin: row.origin,
      kind: row.kind,
      receivedAtUnixMs: row.received_at_unix_ms,
      rawBytes: row.raw_bytes,
    }));
  }

  get(imageDigest: string, documentDigest: string): Uint8Array | undefined {
    const row = this.#get.get(imageDigest, documentDigest);
    if (row === undefined) return undefined;
    return zstdDecompressSync(row.document, { maxOutputLength: Math.max(1, row.raw_bytes) });
  }

  put(upload: Upload, bytes: Uint8Array): void {
    const { imageDigest, documentDigest, name, origin, kind, receivedAtUnixMs, rawBytes } = upload;
    const document = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
    this.#put.run(imageDigest, documentDigest, name, origin, kind, receivedAtUnixMs, rawBytes, document);
  }

  remove(imageDigest: string, documentDigest: string): void {
    this.#remove.run(imageDigest, documentDigest);
  }
}
