-- Who sends batches: one row per run of an agent, with the highest contiguous batch number stored for it.
CREATE TABLE sources (
  source_id INTEGER PRIMARY KEY,
  agent_id TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  node BLOB NOT NULL,
  acked_sequence INTEGER NOT NULL,
  updated_at_unix_ms INTEGER NOT NULL,
  UNIQUE (agent_id, epoch)
) STRICT;

-- Items stored and not yet worked on. AUTOINCREMENT: an id is never used twice, so "greater than the last one read" is safe.
CREATE TABLE inbox (
  inbox_id INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id INTEGER NOT NULL REFERENCES sources (source_id),
  item BLOB NOT NULL,
  received_at_unix_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX inbox_source ON inbox (source_id);

CREATE TABLE alerts (
  alert_number INTEGER PRIMARY KEY AUTOINCREMENT,
  alert_id TEXT NOT NULL UNIQUE,
  time_unix_ms INTEGER NOT NULL,
  severity TEXT NOT NULL,
  rule_id TEXT NOT NULL,
  namespace TEXT NOT NULL,
  node_name TEXT NOT NULL,
  container_id TEXT NOT NULL,
  image_reference TEXT NOT NULL,
  nats_subject TEXT NOT NULL,
  traceparent TEXT NOT NULL,
  cloud_event TEXT NOT NULL,
  published_at_unix_ms INTEGER
) STRICT;
CREATE INDEX alerts_time ON alerts (time_unix_ms, alert_number);
CREATE INDEX alerts_severity ON alerts (severity, time_unix_ms);
CREATE INDEX alerts_rule ON alerts (rule_id, time_unix_ms);
CREATE INDEX alerts_container ON alerts (container_id, time_unix_ms);

-- Alerts that are still to be published, in the order they were made.
CREATE TABLE outbox (
  alert_number INTEGER PRIMARY KEY REFERENCES alerts (alert_number) ON DELETE CASCADE
) STRICT;

-- Every name an alert's image can be asked for by: its reference, repo digests, target and config digest.
CREATE TABLE alert_images (
  image TEXT NOT NULL,
  alert_number INTEGER NOT NULL REFERENCES alerts (alert_number) ON DELETE CASCADE,
  PRIMARY KEY (image, alert_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_images_alert ON alert_images (alert_number);

CREATE TABLE containers (
  node_name TEXT NOT NULL,
  container_id TEXT NOT NULL,
  name TEXT NOT NULL,
  state INTEGER NOT NULL,
  container BLOB NOT NULL,
  updated_at_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (node_name, container_id)
) STRICT;
CREATE INDEX containers_id ON containers (container_id);
CREATE INDEX containers_name ON containers (name);
CREATE INDEX containers_state ON containers (state, updated_at_unix_ms);

CREATE TABLE observations (
  node_name TEXT NOT NULL,
  container_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  fact TEXT NOT NULL,
  first_seen_unix_ms INTEGER NOT NULL,
  last_seen_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (node_name, container_id, kind, fact)
) STRICT, WITHOUT ROWID;
CREATE INDEX observations_last_seen ON observations (last_seen_unix_ms);

CREATE TABLE nodes (
  node_name TEXT PRIMARY KEY,
  node BLOB NOT NULL,
  agent_id TEXT NOT NULL,
  status BLOB,
  last_seen_unix_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE papers (
  papers_key TEXT PRIMARY KEY,
  papers TEXT NOT NULL,
  used_at_unix_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX papers_used ON papers (used_at_unix_ms);

-- Documents as they were fetched, zstd-compressed.
CREATE TABLE documents (
  digest TEXT PRIMARY KEY,
  media_type TEXT NOT NULL,
  document BLOB NOT NULL,
  raw_bytes INTEGER NOT NULL,
  used_at_unix_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX documents_used ON documents (used_at_unix_ms);
