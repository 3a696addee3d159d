import type Database from 'better-sqlite3';
import type { StoredImageFinding } from '../store.ts';

interface Row {
  rule_id: string;
  image_key: string;
  evidence_hash: string;
  alert_id: string;
  open: number;
  episode: number;
  changed_unix_ms: number;
}

/** What was told about images. */
export class ImageFindingTable {
  readonly #get: Database.Statement<[string, string], Row>;
  readonly #list: Database.Statement<[string], Row>;
  readonly #put: Database.Statement<(string | number)[]>;
  readonly #count: Database.Statement<[], number>;
  readonly #prune: Database.Statement<[number]>;

  constructor(database: Database.Database) {
    this.#get = database.prepare('SELECT * FROM image_findings WHERE rule_id = ? AND image_key = ?');
    this.#list = database.prepare('SELECT * FROM image_findings WHERE image_key = ? ORDER BY rule_id');
    this.#put = database.prepare(
      `INSERT OR REPLACE INTO image_findings
       (rule_id, image_key, evidence_hash, alert_id, open, episode, changed_unix_ms) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#count = database.prepare<[], number>('SELECT count(*) FROM image_findings').pluck();
    this.#prune = database.prepare(
      `DELETE FROM image_findings WHERE (rule_id, image_key) IN
       (SELECT rule_id, image_key FROM image_findings ORDER BY open, changed_unix_ms LIMIT ?)`,
    );
  }

  get(ruleId: string, imageKey: string): StoredImageFinding | undefined {
    const row = this.#get.get(ruleId, imageKey);
    return row === undefined ? undefined : toFinding(row);
  }

  list(imageKey: string): StoredImageFinding[] {
    return this.#list.all(imageKey).map(toFinding);
  }

  put({ ruleId, imageKey, evidenceHash, alertId, open, episode, changedUnixMs }: StoredImageFinding): void {
    this.#put.run(ruleId, imageKey, evidenceHash, alertId, open ? 1 : 0, episode, changedUnixMs);
  }

  prune(maxFindings: number): number {
    const excess = (this.#count.get() ?? 0) - maxFindings;
    return excess > 0 ? this.#prune.run(excess).changes : 0;
  }
}

function toFinding(row: Row): StoredImageFinding {
  return {
    ruleId: row.rule_id,
    imageKey: row.image_key,
    evidenceHash: row.evidence_hash,
    alertId: row.alert_id,
    open: row.open === 1,
    episode: row.episode,
    changedUnixMs: row.changed_unix_ms,
  };
}
