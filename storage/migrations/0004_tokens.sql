-- Who may come in by the network. Only the hashes of tokens are kept.

-- A plain SHA-256 of the whole token is enough: its secret is 256 random bits, which nobody can try through, so that
-- neither salt nor a slow hash would add anything. No row is ever deleted: where there was a token, nobody comes in
-- without one. `scopes` is a JSON list; `expires_at` is NULL for a token that does not expire.
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    scopes TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) WITHOUT ROWID;
CREATE INDEX tokens_agent ON tokens (agent);
