-- Receipts that go to the archive, oldest first: the ledger's order, in which the first that is too young ends it.

-- name: archive
INSERT INTO archived_receipts (seq, id, store, at, agent, project, task_type, mode, answered_at, reminded_at, held_out,
                               details)
SELECT seq, id, store, at, agent, project, task_type, mode, answered_at, reminded_at, held_out,
       packed(json_object('shown', json(shown), 'near', json(near), 'control', json(control)))
  FROM (SELECT * FROM receipts ORDER BY seq LIMIT :limit) WHERE at < :before
RETURNING seq;

-- name: leave_archived
DELETE FROM receipts WHERE seq IN (SELECT value FROM json_each(:seqs));

-- name: archived_receipt
SELECT r.*, c.body AS content, c.screened FROM all_receipts r LEFT JOIN contents c ON c.id = r.id
 WHERE r.id = :id AND (:agent IS NULL OR r.agent = :agent);

-- name: answer_archived
UPDATE archived_receipts SET answered_at = :at WHERE id = :id AND answered_at IS NULL;

-- Items that a person has restored are left alone for good.

-- name: outworn
SELECT i.id, i.owner FROM items i
 WHERE i.pruned_by IS NULL AND i.updated_at < :before AND (i.stage = 'provisional' OR i.space = 'prompt')
   AND NOT EXISTS (SELECT 1 FROM events e WHERE e.subject = i.id AND e.kind = 'restored')
 ORDER BY i.updated_at, i.seq LIMIT :limit;

-- name: surplus
SELECT i.id, i.owner FROM items i
 WHERE i.pruned_by IS NULL AND i.space = :space
   AND NOT EXISTS (SELECT 1 FROM events e WHERE e.subject = i.id AND e.kind = 'restored')
 ORDER BY i.stage = 'active', i.trust, i.updated_at, i.seq
 LIMIT min(:limit, max(0, (SELECT count(*) FROM items WHERE space = :space AND pruned_by IS NULL) - :most));
