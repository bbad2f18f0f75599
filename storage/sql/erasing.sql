-- What erasing asks and does. An erased text is '{}' without the key of its seal.

-- Of these subjects, those that still have a text.
-- name: texts_among
SELECT id, body FROM contents WHERE id IN (SELECT value FROM json_each(:ids)) AND body <> '{}' ORDER BY id;

-- Of these subjects, those whose words are of another agent's own items.
-- name: others_own
SELECT id FROM items WHERE id IN (SELECT value FROM json_each(:ids)) AND space = 'prompt' AND owner <> :agent
UNION ALL
SELECT id FROM feedback WHERE id IN (SELECT value FROM json_each(:ids)) AND own AND agent <> :agent
UNION ALL
SELECT p.id FROM plans p
 WHERE p.id IN (SELECT value FROM json_each(:ids))
   AND EXISTS (SELECT 1 FROM json_each(p.items) l JOIN items i ON i.id IN (l.value ->> 'item', l.value ->> 'other')
                WHERE i.space = 'prompt' AND i.owner <> :agent);

-- name: texts_holding
SELECT id FROM contents WHERE holds(body, :text);

-- Also items that are somebody else's since their author was revoked: the words are still the first teller's.
-- name: texts_of_agent
SELECT id FROM items WHERE author = :agent OR owner = :agent
UNION ALL SELECT subject FROM events WHERE kind IN ('new', 'superseding', 'conflict') AND agent = :agent
UNION ALL SELECT id FROM feedback WHERE agent = :agent
UNION ALL SELECT id FROM receipts WHERE agent = :agent
UNION ALL SELECT id FROM archived_receipts WHERE agent = :agent
UNION ALL SELECT id FROM plans WHERE agent = :agent;

-- The items, other wordings of them, the reports that told either, and what these had asked before.
-- name: texts_of_items
WITH RECURSIVE wordings (id) AS (
    SELECT id FROM items WHERE id IN (SELECT value FROM json_each(:ids))
    UNION
    SELECT i.id FROM wordings w JOIN items i ON i.merged_into = w.id),
tellers (id) AS (
    SELECT i.feedback FROM wordings w JOIN items i ON i.id = w.id
    UNION
    SELECT e.body ->> 'feedback' FROM wordings w JOIN events e ON e.subject = w.id
     WHERE e.kind IN ('new', 'superseding', 'conflict', 'corroborated', 'merged') AND e.body ->> 'feedback' IS NOT NULL)
SELECT id FROM wordings
UNION ALL SELECT id FROM tellers
UNION ALL SELECT f.receipt FROM tellers t JOIN feedback f ON f.id = t.id WHERE f.receipt IS NOT NULL;

-- Plans that keep words about any of the items: what an edit found and made, why somebody pruned it.
-- name: plans_wording
SELECT p.id FROM plans p
 WHERE p.kind IN ('edit', 'prune')
   AND EXISTS (SELECT 1 FROM json_each(p.items) l
                WHERE l.value ->> 'item' IN (SELECT value FROM json_each(:ids)));

-- name: labels_holding
SELECT (SELECT count(*) FROM items WHERE holds(project, :text) OR holds(task_type, :text) OR holds(tags, :text))
     + (SELECT count(*) FROM receipts WHERE holds(project, :text) OR holds(task_type, :text))
     + (SELECT count(*) FROM archived_receipts WHERE holds(project, :text) OR holds(task_type, :text))
     + (SELECT count(*) FROM verdicts WHERE holds(project, :text))
     + (SELECT count(*) FROM feedback WHERE holds(key, :text))
     + (SELECT count(*) FROM withdrawals WHERE holds(changes, :text)) AS count;

-- name: exported_since
SELECT count(*) AS count, max(at) AS latest FROM events WHERE kind = 'exported' AND at >= :since;

-- name: pending_erasure
SELECT value FROM meta WHERE key = 'erasing';

-- name: end_erasure
DELETE FROM meta WHERE key = 'erasing';

-- name: erase_texts
UPDATE contents SET body = '{}', nonce = '' WHERE id IN (SELECT value FROM json_each(:ids));

-- name: erase_blames
DELETE FROM blames
 WHERE lesson IN (SELECT lesson FROM items WHERE id IN (SELECT value FROM json_each(:ids)))
   AND lesson NOT IN (SELECT lesson FROM items WHERE id NOT IN (SELECT value FROM json_each(:ids)));

-- name: part_wordings
UPDATE items SET merged_into = NULL
 WHERE merged_into IN (SELECT value FROM json_each(:ids)) AND id NOT IN (SELECT value FROM json_each(:ids));

-- Digests of a text would tell whoever guesses it that he is right.
-- name: erase_items
UPDATE items SET pruned_by = :plan, merged_into = NULL, task_type = '', project = '', tags = '[]',
       digest = 'erased:' || id, condition = 'erased:' || id, lesson = 'erased:' || id, slot = '', gist = ''
 WHERE id IN (SELECT value FROM json_each(:ids));

-- name: erase_requests
UPDATE feedback SET key = '', request = '' WHERE id IN (SELECT value FROM json_each(:ids));

-- name: erase_receipts
UPDATE receipts SET project = '', task_type = '' WHERE id IN (SELECT value FROM json_each(:ids));

-- name: erase_archived
UPDATE archived_receipts SET project = '', task_type = '' WHERE id IN (SELECT value FROM json_each(:ids));

-- name: erase_labels_of_items
UPDATE items SET project = iif(holds(project, :text), '', project), tags = iif(holds(tags, :text), '[]', tags),
       task_type = iif(holds(task_type, :text), '', task_type)
 WHERE holds(project, :text) OR holds(task_type, :text) OR holds(tags, :text);

-- name: erase_labels_of_receipts
UPDATE receipts SET project = iif(holds(project, :text), '', project),
       task_type = iif(holds(task_type, :text), '', task_type)
 WHERE holds(project, :text) OR holds(task_type, :text);

-- name: erase_labels_of_archived
UPDATE archived_receipts SET project = iif(holds(project, :text), '', project),
       task_type = iif(holds(task_type, :text), '', task_type)
 WHERE holds(project, :text) OR holds(task_type, :text);

-- name: erase_labels_of_verdicts
UPDATE verdicts SET project = '' WHERE holds(project, :text);

-- name: erase_keys
UPDATE feedback SET key = '', request = '' WHERE holds(key, :text);

-- name: plans_after
SELECT id, items FROM plans WHERE id > :after ORDER BY id LIMIT :limit;

-- name: rewrite_plan
UPDATE plans SET items = :items WHERE id = :id;

-- Digests of what only these items say.
-- name: lessons_of
SELECT DISTINCT lesson FROM items
 WHERE id IN (SELECT value FROM json_each(:ids))
   AND lesson NOT IN (SELECT lesson FROM items WHERE id NOT IN (SELECT value FROM json_each(:ids)));

-- name: withdrawals
SELECT plan, changes FROM withdrawals;

-- name: rewrite_withdrawal
UPDATE withdrawals SET changes = :changes WHERE plan = :plan;
