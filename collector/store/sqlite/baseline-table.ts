import type Database from 'better-sqlite3';
import type { BaselineChanges, BaselineContainer, FactRecord } from '../../baseline/fact-record.ts';

interface ContainerRow {
  node_name: string;
  container_id: string;
  baseline_id: string;
  running: bigint;
  started_unix_ns: bigint;
  from_start: bigint;
  alert_from_unix_ms: bigint;
  alert_until_unix_ms: bigint;
  alert_rule_id: string;
  updated_at_unix_ms: bigint;
}

/** What workloads normally do, as the collector learned it. */
export class BaselineTable {
  readonly #write: (changes: BaselineChanges) => void;
  readonly #heads: Database.Statement<[], string>;
  readonly #facts: Database.Statement<[string], string>;
  readonly #containers: Database.Statement<[], ContainerRow>;

  constructor(database: Database.Database) {
    this.#write = prepareWrite(database);
    this.#heads = database.prepare<[], string>('SELECT head FROM baselines ORDER BY baseline_id').pluck();
    this.#facts = database
      .prepare<[string], string>('SELECT record FROM baseline_facts WHERE baseline_id = ? ORDER BY fact_key')
      .pluck();
    this.#containers = database.prepare<[], ContainerRow>('SELECT * FROM baseline_containers').safeIntegers();
  }

  /** JSON texts. */
  heads(): string[] {
    return this.#heads.all();
  }

  facts(baselineId: string): FactRecord[] {
    return this.#facts.all(baselineId).map((record) => JSON.parse(record) as FactRecord);
  }

  containers(): BaselineContainer[] {
    return this.#containers.all().map((row) => ({
      nodeName: row.node_name,
      containerId: row.container_id,
      baselineId: row.baseline_id,
      running: row.running !== 0n,
      startedUnixNs: row.started_unix_ns,
      fromStart: row.from_start !== 0n,
      alertFromUnixMs: Number(row.alert_from_unix_ms),
      alertUntilUnixMs: Number(row.alert_until_unix_ms),
      alertRuleId: row.alert_rule_id,
      updatedAtUnixMs: Number(row.updated_at_unix_ms),
    }));
  }

  write(changes: BaselineChanges): void {
    this.#write(changes);
  }
}

function prepareWrite(database: Database.Database): (changes: BaselineChanges) => void {
  const putHead = database.prepare<[string, string]>(
    'INSERT INTO baselines (baseline_id, head) VALUES (?, ?) ON CONFLICT DO UPDATE SET head = excluded.head',
  );
  const removeBaseline = database.prepare<[string]>('DELETE FROM baselines WHERE baseline_id = ?');
  const putFact = database.prepare<[string, string, string]>(
    `INSERT INTO baseline_facts (baseline_id, fact_key, record) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET record = excluded.record`,
  );
  const removeFact = database.prepare<[string, string]>(
    'DELETE FROM baseline_facts WHERE baseline_id = ? AND fact_key = ?',
  );
  const putContainer = database.prepare<(string | number | bigint)[]>(
    'INSERT OR REPLACE INTO baseline_containers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const removeContainer = database.prepare<[string, string]>(
    'DELETE FROM baseline_containers WHERE node_name = ? AND container_id = ?',
  );
  const run = database.transaction((changes: BaselineChanges) => {
    for (const { id, head } of changes.heads) putHead.run(id, head);
    for (const { baselineId, key } of changes.removedFacts) removeFact.run(baselineId, key);
    for (const { baselineId, record } of changes.facts) putFact.run(baselineId, record.key, JSON.stringify(record));
    for (const one of changes.containers) putContainer.run(...valuesOf(one));
    for (const { nodeName, containerId } of changes.removedContainers) removeContainer.run(nodeName, containerId);
    for (const id of changes.removedBaselines) removeBaseline.run(id);
  });
  return (changes) => run.immediate(changes);
}

function valuesOf(one: BaselineContainer): (string | number | bigint)[] {
  return [
    ...[one.nodeName, one.containerId, one.baselineId, Number(one.running), one.startedUnixNs, Number(one.fromStart)],
    ...[one.alertFromUnixMs, one.alertUntilUnixMs, one.alertRuleId, one.updatedAtUnixMs],
  ];
}
