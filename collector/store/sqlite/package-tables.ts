import type Database from 'better-sqlite3';
import type { ImageWithPackage, PackageQuery } from '../../records/contents/contents-cache.ts';
import type { PackageName } from '../../records/contents/encode.ts';

interface ImageRow {
  imageDigest: string;
  kind: 'sbom' | 'inventory';
  name: string;
  version: string;
  type: string;
  purl: string;
}

/** Which packages are in which chunks, and so in which images. */
export class PackageTables {
  readonly #database: Database.Database;
  readonly #put: Database.Statement<[string, string, string, string]>;
  readonly #id: Database.Statement<[string, string, string, string], number>;
  readonly #putInChunk: Database.Statement<[number, number]>;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#put = database.prepare(
      'INSERT OR IGNORE INTO contents_packages (name, version, type, purl) VALUES (?, ?, ?, ?)',
    );
    this.#id = database
      .prepare<[string, string, string, string], number>(
        'SELECT package_id FROM contents_packages WHERE name = ? AND version = ? AND type = ? AND purl = ?',
      )
      .pluck();
    this.#putInChunk = database.prepare(
      'INSERT OR IGNORE INTO contents_chunk_packages (package_id, chunk_id) VALUES (?, ?)',
    );
  }

  put(chunkId: number, packages: readonly PackageName[]): void {
    for (const { name, version, type, purl } of packages) {
      this.#put.run(name, version, type, purl);
      const packageId = this.#id.get(name, version, type, purl);
      if (packageId !== undefined) this.#putInChunk.run(packageId, chunkId);
    }
  }

  images(query: PackageQuery, limit: number): ImageWithPackage[] {
    const conditions: [string, string | undefined][] =
      'purl' in query
        ? [['purl = ?', query.purl]]
        : [
            ['packages.name = ?', query.name],
            ['version = ?', query.version],
            ['type = ?', query.type],
          ];
    const used = conditions.filter(([, value]) => value !== undefined);
    const sql = `SELECT DISTINCT contents_names.name AS imageDigest, kind, packages.name, version, type, purl
      FROM contents_packages AS packages
      JOIN contents_chunk_packages USING (package_id)
      JOIN contents_uses USING (chunk_id)
      JOIN contents_names USING (contents_id)
      WHERE ${used.map(([condition]) => condition).join(' AND ')} AND kind != 'document' LIMIT ?`;
    const values = [...used.map(([, value]) => value as string), limit];
    return this.#database
      .prepare<(string | number)[], ImageRow>(sql)
      .all(...values)
      .map(({ imageDigest, kind, ...found }) => ({ imageDigest, kind, package: found }));
  }
}
