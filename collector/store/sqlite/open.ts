import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { CodedError } from '../../../common/errors.ts';
import { type StoreErrorCode, toStoreError } from './store-error.ts';

const migrationsDirectory = fileURLToPath(new URL('./migrations/', import.meta.url));

/** Marks the file as ours ("TALY"), so that another program's database is refused instead of migrated. */
const applicationId = 0x54414c59;

export interface OpenOptions {
  file: string;
  /** The file never grows beyond this; writes fail with `store-disk-full` instead. */
  maxDatabaseBytes: number;
  /** How long to wait for another process to let go of the file. */
  busyTimeoutMs: number;
}

/**
 * Opens or creates the database, checks it and brings its schema up to date.
 * Throws CodedError: store-unwritable, store-in-use, store-corrupt, store-newer-schema, store-disk-full, store-io.
 */
export function openDatabase(options: OpenOptions): Database.Database {
  const { file } = options;
  let database: Database.Database | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    database = new Database(file, { timeout: options.busyTimeoutMs });
    // Alerts hold command lines and addresses: nobody else's to read.
    chmodSync(file, 0o600);
    configure(database, options);
    assertIntact(database, file);
    migrate(database, file);
    return database;
  } catch (thrown) {
    database?.close();
    throw toStoreError(file, 'opening the store', thrown);
  }
}

function configure(database: Database.Database, options: OpenOptions): void {
  // One process owns the file: two collectors would both work off the inbox. Taken before WAL, the index of the log lives
  // in this process's memory instead of a shared file (https://sqlite.org/wal.html#noshm).
  database.pragma('locking_mode = EXCLUSIVE');
  database.pragma('journal_mode = WAL');
  // NORMAL syncs a WAL only at checkpoints: a batch acknowledged to an agent would be gone after a power cut, and the agent
  // has forgotten it by then. FULL syncs the WAL in every commit, which is what "stored durably" promises. The price, one
  // fsync per transaction, is kept low by writing in groups.
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma(`journal_size_limit = ${64 * 1024 * 1024}`);
  const pageBytes = Number(database.pragma('page_size', { simple: true }));
  database.pragma(`max_page_count = ${Math.max(16, Math.floor(options.maxDatabaseBytes / pageBytes))}`);
  // Takes the lock now, so that a second collector learns of it here and not at its first write.
  database.exec('BEGIN IMMEDIATE; COMMIT');
}

function assertIntact(database: Database.Database, file: string): void {
  const owner = Number(database.pragma('application_id', { simple: true }));
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
  if (owner !== applicationId && tables > 0)
    throw coded('store-corrupt', `${file} is the database of another program`, 'choose another data directory');
  const findings = database.pragma('quick_check(3)') as { quick_check: string }[];
  const problems = findings.map((row) => row.quick_check).filter((line) => line !== 'ok');
  if (problems.length > 0)
    throw coded(
      'store-corrupt',
      `${file} is damaged: ${problems.join('; ')}`,
      'move the file away (an empty one is made) or restore a backup',
    );
}

interface Migration {
  version: number;
  name: string;
}

/** Files "NNNN-name.sql", in the order of their numbers; the schema's version is the number of the last one applied. */
function listMigrations(): Migration[] {
  const names = readdirSync(migrationsDirectory).filter((name) => /^\d{4}-.+\.sql$/.test(name));
  const migrations = names.sort().map((name) => ({ version: Number(name.slice(0, 4)), name }));
  for (const [index, migration] of migrations.entries())
    if (migration.version === migrations[index - 1]?.version)
      throw new RangeError(`two migrations have the number of ${migration.name}`);
  return migrations;
}

function migrate(database: Database.Database, file: string): void {
  const migrations = listMigrations();
  const current = Number(database.pragma('user_version', { simple: true }));
  const newest = migrations.at(-1)?.version ?? 0;
  if (current > newest)
    throw coded(
      'store-newer-schema',
      `${file} has schema version ${current}, this version of tallyman knows up to ${newest}`,
      'run the newer tallyman, or move the file away to start with an empty one',
    );
  for (const migration of migrations.filter(({ version }) => version > current)) {
    const sql = readFileSync(`${migrationsDirectory}${migration.name}`, 'utf8');
    // Schema change and version number in one transaction: a crash leaves the old schema, never half of the new one.
    database.transaction(() => {
      database.exec(sql);
      database.pragma(`user_version = ${migration.version}`);
      database.pragma(`application_id = ${applicationId}`);
    })();
  }
}

function coded(code: StoreErrorCode, message: string, hint: string): CodedError<StoreErrorCode> {
  return new CodedError(code, message, { hint });
}
