-- Papers that people or a directory brought, zstd-compressed. They cannot be fetched again, so they are never pruned.
CREATE TABLE uploads (
  image_digest TEXT NOT NULL,
  document_digest TEXT NOT NULL,
  name TEXT NOT NULL,
  origin TEXT NOT NULL CHECK (origin IN ('api', 'directory')),
  kind TEXT NOT NULL,
  received_at_unix_ms INTEGER NOT NULL,
  raw_bytes INTEGER NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (image_digest, document_digest)
) STRICT;
