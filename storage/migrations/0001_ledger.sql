-- The ledger. Times are microseconds since 1970 in UTC; free text lives in `contents` alone, so that it can be erased
-- while the events, which hold salted digests, stay.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT NOT NULL UNIQUE,
    store   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    agent   TEXT NOT NULL,
    subject TEXT NOT NULL,
    body    TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_subject ON events (subject);

CREATE TABLE contents (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE agents (
    name       TEXT PRIMARY KEY,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    slip       REAL
) STRICT, WITHOUT ROWID;

CREATE TABLE items (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    space         TEXT NOT NULL CHECK (space IN ('general', 'prompt')),
    owner         TEXT NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('do', 'avoid', 'fact')),
    task_type     TEXT NOT NULL,
    project       TEXT NOT NULL,
    tags          TEXT NOT NULL,
    digest        TEXT NOT NULL,
    condition     TEXT NOT NULL,
    lesson        TEXT NOT NULL,
    slot          TEXT NOT NULL,
    author        TEXT NOT NULL,
    feedback      TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    stage         TEXT NOT NULL CHECK (stage IN ('provisional', 'active')),
    trust         REAL NOT NULL,
    support       INTEGER NOT NULL DEFAULT 0,
    contradiction INTEGER NOT NULL DEFAULT 0,
    agents        INTEGER NOT NULL DEFAULT 0,
    projects      INTEGER NOT NULL DEFAULT 0,
    borne_from    INTEGER NOT NULL DEFAULT 0,
    superseded_by TEXT,
    pruned_by     TEXT
) STRICT;
CREATE UNIQUE INDEX items_same ON items (space, owner, digest);
CREATE INDEX items_of_lesson ON items (space, lesson);
CREATE INDEX items_of_owner ON items (owner, task_type) WHERE space = 'prompt';
CREATE INDEX items_superseded ON items (superseded_by) WHERE superseded_by IS NOT NULL;

CREATE TABLE conflicts (
    item     TEXT NOT NULL,
    other    TEXT NOT NULL,
    feedback TEXT NOT NULL,
    PRIMARY KEY (item, other)
) STRICT, WITHOUT ROWID;

CREATE TABLE verdicts (
    item     TEXT NOT NULL,
    source   TEXT NOT NULL,
    agent    TEXT NOT NULL,
    project  TEXT NOT NULL,
    feedback TEXT NOT NULL,
    at       INTEGER NOT NULL,
    sign     INTEGER NOT NULL CHECK (sign IN (-1, 1)),
    direct   INTEGER NOT NULL CHECK (direct IN (0, 1)),
    delta    REAL NOT NULL,
    PRIMARY KEY (item, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE receipts (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    store       TEXT NOT NULL,
    at          INTEGER NOT NULL,
    agent       TEXT NOT NULL,
    project     TEXT NOT NULL,
    task_type   TEXT NOT NULL,
    mode        TEXT NOT NULL,
    shown       TEXT NOT NULL,
    near        TEXT NOT NULL,
    answered_at INTEGER
) STRICT;
CREATE INDEX receipts_of_agent ON receipts (agent, seq);

CREATE TABLE feedback (
    id      TEXT PRIMARY KEY,
    at      INTEGER NOT NULL,
    agent   TEXT NOT NULL,
    receipt TEXT,
    outcome TEXT NOT NULL,
    key     TEXT NOT NULL,
    request TEXT NOT NULL,
    answer  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX feedback_of_key ON feedback (agent, key) WHERE key <> '';

-- What reports taught about reports: one row.
CREATE TABLE experience (
    reports   REAL NOT NULL,
    novel     REAL NOT NULL,
    near      REAL NOT NULL,
    confirmed REAL NOT NULL
) STRICT;
INSERT INTO experience VALUES (0, 0, 0, 0);

CREATE TABLE plans (
    id         TEXT PRIMARY KEY,
    at         INTEGER NOT NULL,
    agent      TEXT NOT NULL,
    items      TEXT NOT NULL,
    applied_at INTEGER,
    undone_at  INTEGER
) STRICT, WITHOUT ROWID;
