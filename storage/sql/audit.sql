-- What the audit asks of the ledger.

-- name: nonces_of
SELECT id, nonce FROM contents WHERE id IN (SELECT value FROM json_each(:ids));

-- name: chain
SELECT events, head, earlier FROM chain;

-- name: events_after
SELECT seq, id, store, at, kind, agent, subject, body, link FROM events WHERE seq > :after ORDER BY seq LIMIT :limit;

-- name: events_that
SELECT seq, id, store, at, kind, agent, subject, body, link FROM events
 WHERE (:agent = '' OR agent = :agent) AND (:kind = '' OR kind = :kind) AND at >= :since
   AND (:subject = '' OR subject = :subject OR instr(body, '"' || :subject || '"') > 0)
 ORDER BY seq DESC LIMIT :limit;

-- name: count_events_that
SELECT count(*) AS count FROM events
 WHERE (:agent = '' OR agent = :agent) AND (:kind = '' OR kind = :kind) AND at >= :since
   AND (:subject = '' OR subject = :subject OR instr(body, '"' || :subject || '"') > 0);

-- Bodies that somebody has made unreadable are left to the chain.
-- name: texts_after
SELECT c.id, c.body, c.nonce,
       (SELECT iif(json_valid(e.body), e.body ->> 'content', NULL) AS seal FROM events e
         WHERE e.subject = c.id AND seal IS NOT NULL ORDER BY e.seq DESC LIMIT 1) AS seal,
       EXISTS (SELECT 1 FROM events e WHERE e.subject = c.id AND e.kind = 'erased') AS erased
  FROM contents c WHERE c.id > :after ORDER BY c.id LIMIT :limit;

-- name: texts_missing
SELECT DISTINCT e.subject FROM events e
 WHERE iif(json_valid(e.body), e.body ->> 'content', NULL) IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM contents c WHERE c.id = e.subject)
 ORDER BY e.subject LIMIT 5;
