-- How often what an alert tells of has come again, with the event that says so; waiting until the broker has confirmed it.
CREATE TABLE alert_repeats (
  alert_number INTEGER PRIMARY KEY REFERENCES alerts (alert_number) ON DELETE CASCADE,
  count INTEGER NOT NULL,
  first_unix_ms INTEGER NOT NULL,
  last_unix_ms INTEGER NOT NULL,
  update_event TEXT NOT NULL,
  waiting INTEGER NOT NULL
) STRICT;
CREATE INDEX alert_repeats_waiting ON alert_repeats (alert_number) WHERE waiting = 1;

-- The worst alerts are published first, the worst findings are worked on first: a flood of others cannot keep them back.
ALTER TABLE outbox ADD COLUMN severity_rank INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outbox_order ON outbox (severity_rank DESC, alert_number);
ALTER TABLE inbox ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
CREATE INDEX inbox_urgent ON inbox (urgent, inbox_id);
