-- Tokens: who may come in by the network.

-- name: token
SELECT * FROM tokens WHERE id = :id;

-- name: tokens
SELECT t.*, a.last_seen AS seen_at FROM tokens t LEFT JOIN agents a ON a.name = t.agent ORDER BY t.id;

-- name: any_token
SELECT EXISTS (SELECT 1 FROM tokens) AS found;

-- name: is_of_tokens
SELECT EXISTS (SELECT 1 FROM tokens WHERE agent = :agent COLLATE NOCASE) AS found;

-- name: known_agents
SELECT name FROM agents UNION SELECT agent FROM tokens ORDER BY 1;

-- name: add_token
INSERT INTO tokens (id, agent, scopes, hash, created_at, expires_at)
VALUES (:id, :agent, :scopes, :hash, :at, :expires_at);

-- name: revoke_token
UPDATE tokens SET revoked_at = :at WHERE id = :id AND revoked_at IS NULL RETURNING id;

-- name: revoke_tokens_of
UPDATE tokens SET revoked_at = :at
 WHERE agent = :agent AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :at) RETURNING id;

-- name: expire_token
UPDATE tokens SET expires_at = :expires_at WHERE id = :id AND (expires_at IS NULL OR expires_at > :expires_at);
