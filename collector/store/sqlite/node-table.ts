import type Database from 'better-sqlite3';
import { AgentStatus, Node } from '../../../proto/generated/tallyman/v1/uplink.ts';
import type { StoredNode } from '../store.ts';

interface NodeRow {
  node: Uint8Array;
  agent_id: string;
  status: Uint8Array | null;
  last_seen_unix_ms: number;
}

/** Nodes with an agent, and what the agent said of itself last. */
export class NodeTable {
  readonly #put: Database.Statement<[string, Uint8Array, string, Uint8Array | null, number]>;
  readonly #list: Database.Statement<[], NodeRow>;
  readonly #prune: Database.Statement<[number, number]>;

  constructor(database: Database.Database) {
    this.#put = database.prepare(
      `INSERT INTO nodes (node_name, node, agent_id, status, last_seen_unix_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (node_name) DO UPDATE SET node = excluded.node, agent_id = excluded.agent_id,
         status = coalesce(excluded.status, status), last_seen_unix_ms = excluded.last_seen_unix_ms`,
    );
    this.#list = database.prepare('SELECT node, agent_id, status, last_seen_unix_ms FROM nodes ORDER BY node_name');
    this.#prune = database.prepare(
      `DELETE FROM nodes WHERE last_seen_unix_ms < ? OR node_name NOT IN
       (SELECT node_name FROM nodes ORDER BY last_seen_unix_ms DESC LIMIT ?)`,
    );
  }

  put(node: Node, agentId: string, status: AgentStatus | undefined, seenAtUnixMs: number): void {
    const statusBytes = status === undefined ? null : AgentStatus.encode(status).finish();
    this.#put.run(node.name, Node.encode(node).finish(), agentId, statusBytes, seenAtUnixMs);
  }

  list(): StoredNode[] {
    return this.#list.all().map((row) => ({
      node: Node.decode(row.node),
      agentId: row.agent_id,
      status: row.status === null ? undefined : AgentStatus.decode(row.status),
      lastSeenUnixMs: row.last_seen_unix_ms,
    }));
  }

  prune(lastSeenBeforeUnixMs: number, maxNodes: number): number {
    return this.#prune.run(lastSeenBeforeUnixMs, maxNodes).changes;
  }
}
