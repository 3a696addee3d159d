-- What workloads normally do. The head is JSON: everything but the facts.
CREATE TABLE baselines (
  baseline_id TEXT PRIMARY KEY,
  head TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE baseline_facts (
  baseline_id TEXT NOT NULL REFERENCES baselines ON DELETE CASCADE,
  fact_key TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (baseline_id, fact_key)
) STRICT, WITHOUT ROWID;

-- Which baseline a container belongs to, and whether it was seen from its start.
CREATE TABLE baseline_containers (
  node_name TEXT NOT NULL,
  container_id TEXT NOT NULL,
  baseline_id TEXT NOT NULL REFERENCES baselines ON DELETE CASCADE,
  running INTEGER NOT NULL,
  started_unix_ns INTEGER NOT NULL,
  from_start INTEGER NOT NULL,
  alert_from_unix_ms INTEGER NOT NULL,
  alert_until_unix_ms INTEGER NOT NULL,
  alert_rule_id TEXT NOT NULL,
  updated_at_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (node_name, container_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX baseline_containers_baseline ON baseline_containers (baseline_id);
