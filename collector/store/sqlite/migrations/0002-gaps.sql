-- What is known not to have been seen, as agents and the collector's own stages told it. An item that is worked on again after
-- a crash is the same row.
CREATE TABLE gaps (
  gap_id INTEGER PRIMARY KEY,
  node_name TEXT NOT NULL,
  received_at_unix_ms INTEGER NOT NULL,
  from_unix_ms INTEGER NOT NULL,
  to_unix_ms INTEGER NOT NULL,
  gap BLOB NOT NULL,
  UNIQUE (node_name, received_at_unix_ms, gap)
) STRICT;
CREATE INDEX gaps_window ON gaps (node_name, to_unix_ms);

-- The containers a gap concerns; none: any container of the node.
CREATE TABLE gap_containers (
  gap_id INTEGER NOT NULL REFERENCES gaps ON DELETE CASCADE,
  container_id TEXT NOT NULL,
  PRIMARY KEY (gap_id, container_id)
) STRICT, WITHOUT ROWID;
