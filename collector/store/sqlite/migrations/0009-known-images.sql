-- Images whose configs were read, by the key of all their layers: what others are built on is found here.
CREATE TABLE known_images (
  chain_id TEXT NOT NULL,
  repository TEXT NOT NULL,
  tag TEXT NOT NULL,
  digest TEXT NOT NULL,
  layer_count INTEGER NOT NULL,
  -- NULL: not said.
  created_at_unix_ms INTEGER,
  seen_at_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (chain_id, repository, tag, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_images_by_name ON known_images (repository, tag, created_at_unix_ms);
CREATE INDEX known_images_by_use ON known_images (seen_at_unix_ms);
