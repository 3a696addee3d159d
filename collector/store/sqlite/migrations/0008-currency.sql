-- Which digests name one image: an index ('' where none was seen), one of its manifests, and the config of that, in a
-- repository. No registry can be asked for them the other way round.
CREATE TABLE image_identities (
  manifest_digest TEXT NOT NULL,
  index_digest TEXT NOT NULL,
  repository TEXT NOT NULL,
  config_digest TEXT NOT NULL,
  platform TEXT NOT NULL,
  seen_at_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (manifest_digest, index_digest, repository)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_identities_config ON image_identities (config_digest);
CREATE INDEX image_identities_index ON image_identities (index_digest);
CREATE INDEX image_identities_seen ON image_identities (seen_at_unix_ms);

-- What an alert was decided from, so that it can be decided again when the papers of its image change; and the event that
-- says what came of it, waiting until the broker has confirmed it.
CREATE TABLE alert_decisions (
  alert_number INTEGER PRIMARY KEY REFERENCES alerts (alert_number) ON DELETE CASCADE,
  finding BLOB NOT NULL,
  node BLOB NOT NULL,
  received_at_unix_ms INTEGER NOT NULL,
  papers_hash TEXT NOT NULL,
  decision_hash TEXT NOT NULL,
  revision INTEGER NOT NULL DEFAULT 0,
  update_event TEXT NOT NULL DEFAULT '',
  update_subject TEXT NOT NULL DEFAULT '',
  waiting INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX alert_decisions_waiting ON alert_decisions (alert_number) WHERE waiting = 1;
