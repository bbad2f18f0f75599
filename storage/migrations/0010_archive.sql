-- Receipts that are old enough leave the table that every retrieval writes to and many questions read.

-- `details` is what a receipt showed, what lay near and what the controller decided, as JSON, packed (zlib). What it was
-- about stays where every text is, so that it can be looked through, sealed and erased there.
CREATE TABLE archived_receipts (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    store       TEXT NOT NULL,
    at          INTEGER NOT NULL,
    agent       TEXT NOT NULL,
    project     TEXT NOT NULL,
    task_type   TEXT NOT NULL,
    mode        TEXT NOT NULL,
    answered_at INTEGER,
    reminded_at INTEGER,
    held_out    INTEGER NOT NULL,
    details     BLOB NOT NULL
) STRICT;
CREATE INDEX archived_receipts_of_agent ON archived_receipts (agent);

-- Every receipt there ever was, as the table of the younger ones has them. `unpacked` is ours, made known to every
-- connection.
CREATE VIEW all_receipts AS
SELECT seq, id, store, at, agent, project, task_type, mode, shown, near, answered_at, control, held_out, reminded_at
  FROM receipts
UNION ALL
SELECT seq, id, store, at, agent, project, task_type, mode,
       unpacked(details) ->> '$.shown', unpacked(details) ->> '$.near', answered_at,
       unpacked(details) ->> '$.control', held_out, reminded_at
  FROM archived_receipts;
