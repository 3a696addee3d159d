import type Database from 'better-sqlite3';
import { Container, ContainerState } from '../../../proto/generated/tallyman/v1/container.ts';
import type { StoredContainer } from '../store.ts';

interface ContainerRow {
  node_name: string;
  container: Uint8Array;
  updated_at_unix_ms: number;
}

const select = 'SELECT node_name, container, updated_at_unix_ms FROM containers';
const runningFirst = `ORDER BY state = ${ContainerState.EXITED}, updated_at_unix_ms DESC`;

/** Containers as their agents reported them last. */
export class ContainerTable {
  readonly #put: Database.Statement<[string, string, string, number, Uint8Array, number]>;
  readonly #list: Database.Statement<[], ContainerRow>;
  readonly #byId: Database.Statement<[string, number], ContainerRow>;
  readonly #byName: Database.Statement<[string, number], ContainerRow>;
  readonly #byPrefix: Database.Statement<[string, string, number], ContainerRow>;
  readonly #count: Database.Statement<[], number>;
  readonly #pruneExited: Database.Statement<[number]>;
  readonly #pruneExcess: Database.Statement<[number]>;

  constructor(database: Database.Database) {
    // Node and id together: agents do not share an id space, and one must not overwrite what another one said.
    this.#put = database.prepare(
      `INSERT INTO containers (node_name, container_id, name, state, container, updated_at_unix_ms) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (node_name, container_id) DO UPDATE SET name = excluded.name, state = excluded.state,
         container = excluded.container, updated_at_unix_ms = excluded.updated_at_unix_ms`,
    );
    this.#list = database.prepare(`${select} ${runningFirst}`);
    this.#byId = database.prepare(`${select} WHERE container_id = ? ${runningFirst} LIMIT ?`);
    this.#byName = database.prepare(`${select} WHERE name = ? ${runningFirst} LIMIT ?`);
    this.#byPrefix = database.prepare(`${select} WHERE container_id >= ? AND container_id < ? ${runningFirst} LIMIT ?`);
    this.#count = database.prepare<[], number>('SELECT count(*) FROM containers').pluck();
    this.#pruneExited = database.prepare(
      `DELETE FROM containers WHERE state = ${ContainerState.EXITED} AND updated_at_unix_ms < ?`,
    );
    this.#pruneExcess = database.prepare(
      `DELETE FROM containers WHERE rowid IN
       (SELECT rowid FROM containers ORDER BY state != ${ContainerState.EXITED}, updated_at_unix_ms LIMIT ?)`,
    );
  }

  put(nodeName: string, container: Container, updatedAtUnixMs: number): void {
    const bytes = Container.encode(container).finish();
    this.#put.run(nodeName, container.id, container.name, container.state, bytes, updatedAtUnixMs);
  }

  get(idOrPrefix: string): StoredContainer | undefined {
    const exact = this.#byId.get(idOrPrefix, 1);
    if (exact !== undefined) return toContainer(exact);
    const found = this.#withPrefix(idOrPrefix, 2);
    return found.length === 1 ? found[0] : undefined;
  }

  find(question: string, limit: number): StoredContainer[] {
    const exact = this.#byId.all(question, limit);
    if (exact.length > 0) return exact.map(toContainer);
    const named = this.#byName.all(question, limit);
    return named.length > 0 ? named.map(toContainer) : this.#withPrefix(question, limit);
  }

  list(): StoredContainer[] {
    return this.#list.all().map(toContainer);
  }

  prune(exitedBeforeUnixMs: number, maxContainers: number): number {
    const exited = this.#pruneExited.run(exitedBeforeUnixMs).changes;
    const excess = (this.#count.get() ?? 0) - maxContainers;
    return exited + (excess > 0 ? this.#pruneExcess.run(excess).changes : 0);
  }

  #withPrefix(prefix: string, limit: number): StoredContainer[] {
    if (prefix === '') return [];
    // Ids are ASCII, so everything that starts with the prefix sorts below the prefix followed by the highest code point.
    return this.#byPrefix.all(prefix, `${prefix}\u{10ffff}`, limit).map(toContainer);
  }
}

function toContainer(row: ContainerRow): StoredContainer {
  return {
    nodeName: row.node_name,
    container: Container.decode(row.container),
    updatedAtUnixMs: row.updated_at_unix_ms,
  };
}
