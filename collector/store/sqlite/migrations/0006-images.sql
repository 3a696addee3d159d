-- What was concluded about images, so that it is told once however often the collector starts.
CREATE TABLE image_findings (
  rule_id TEXT NOT NULL,
  image_key TEXT NOT NULL,
  evidence_hash TEXT NOT NULL,
  alert_id TEXT NOT NULL,
  open INTEGER NOT NULL,
  episode INTEGER NOT NULL,
  changed_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (rule_id, image_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_findings_image ON image_findings (image_key);
CREATE INDEX image_findings_changed ON image_findings (changed_unix_ms);

-- Inventories: each image is read once in the whole fleet.
CREATE TABLE inventory_work (
  image_key TEXT PRIMARY KEY,
  -- "wanted", "asked", "received", "failed"
  state TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  request_id TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT NOT NULL,
  -- When it is to be asked (again), or the agent is given up.
  due_unix_ms INTEGER NOT NULL,
  changed_unix_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX inventory_work_due ON inventory_work (due_unix_ms) WHERE state != 'received';
