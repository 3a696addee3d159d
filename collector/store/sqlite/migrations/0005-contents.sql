-- What images contain. A chunk is a part of the packages or files of a layer, named by the hash of its bytes and shared by
-- all contents that have the same part; `head` says which chunks contents are made of.
CREATE TABLE contents_chunks (
  chunk_id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  bytes BLOB NOT NULL,
  raw_bytes INTEGER NOT NULL,
  stored_bytes INTEGER NOT NULL
);
CREATE INDEX contents_chunks_by_size ON contents_chunks (stored_bytes);

CREATE TABLE contents (
  contents_id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  head BLOB NOT NULL,
  raw_bytes INTEGER NOT NULL,
  used_at_unix_ms INTEGER NOT NULL
);
CREATE INDEX contents_by_use ON contents (used_at_unix_ms);

-- Digest of an image or of an SBOM document → contents.
CREATE TABLE contents_names (
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  contents_id INTEGER NOT NULL REFERENCES contents (contents_id) ON DELETE CASCADE,
  PRIMARY KEY (name, kind)
) WITHOUT ROWID;
CREATE INDEX contents_names_by_contents ON contents_names (contents_id);

CREATE TABLE contents_uses (
  chunk_id INTEGER NOT NULL REFERENCES contents_chunks (chunk_id),
  contents_id INTEGER NOT NULL REFERENCES contents (contents_id) ON DELETE CASCADE,
  PRIMARY KEY (chunk_id, contents_id)
) WITHOUT ROWID;
CREATE INDEX contents_uses_by_contents ON contents_uses (contents_id);

CREATE TABLE contents_packages (
  package_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  type TEXT NOT NULL,
  purl TEXT NOT NULL,
  UNIQUE (name, version, type, purl)
);
CREATE INDEX contents_packages_by_purl ON contents_packages (purl);

CREATE TABLE contents_chunk_packages (
  package_id INTEGER NOT NULL REFERENCES contents_packages (package_id),
  chunk_id INTEGER NOT NULL REFERENCES contents_chunks (chunk_id) ON DELETE CASCADE,
  PRIMARY KEY (package_id, chunk_id)
) WITHOUT ROWID;
CREATE INDEX contents_chunk_packages_by_chunk ON contents_chunk_packages (chunk_id);
