-- Who is trusted how far, what everybody told, and what withdrawing an agent changes.

-- name: standings
WITH told AS (
    SELECT agent, count(*) AS reports,
           sum(outcome <> 'observation' AND iif(answer = '', NULL, answer ->> '$.learned[0].space') = 'general') AS judged
      FROM feedback WHERE implicit = '' GROUP BY agent),
brought AS (
    SELECT i.author AS agent, count(*) AS lessons,
           sum(i.pruned_by IS NULL AND s.id IS NULL AND k.item IS NULL AND i.stage = 'active') AS active,
           sum(i.pruned_by IS NULL AND s.id IS NULL AND k.item IS NULL AND i.stage = 'provisional') AS provisional,
           sum(i.pruned_by IS NULL AND s.id IS NULL AND k.item IS NOT NULL) AS contested,
           sum(i.pruned_by IS NULL AND s.id IS NOT NULL) AS superseded,
           sum(i.pruned_by IS NOT NULL AND i.merged_into IS NULL) AS pruned,
           sum(i.merged_into IS NOT NULL) AS merged
      FROM items i LEFT JOIN items s ON s.id = i.superseded_by AND s.pruned_by IS NULL
      LEFT JOIN (SELECT DISTINCT c.item FROM conflicts c JOIN items o ON o.id = c.other
                  WHERE o.pruned_by IS NULL AND o.superseded_by IS NULL) k ON k.item = i.id
     WHERE i.space = 'general' GROUP BY i.author),
named AS (SELECT name FROM agents UNION SELECT agent FROM told UNION SELECT agent FROM brought UNION SELECT agent FROM tokens)
SELECT n.name, (SELECT count(*) FROM tokens k WHERE k.agent = n.name AND k.revoked_at IS NULL
                   AND (k.expires_at IS NULL OR k.expires_at > :now)) AS tokens, a.first_seen, a.last_seen, a.slip, a.withdrawn_by,
       coalesce(t.reports, 0) AS reports, coalesce(t.judged, 0) AS judged, coalesce(b.lessons, 0) AS lessons,
       coalesce(b.active, 0) AS active, coalesce(b.provisional, 0) AS provisional,
       coalesce(b.contested, 0) AS contested, coalesce(b.superseded, 0) AS superseded,
       coalesce(b.pruned, 0) AS pruned, coalesce(b.merged, 0) AS merged
  FROM named n LEFT JOIN agents a ON a.name = n.name
  LEFT JOIN told t ON t.agent = n.name LEFT JOIN brought b ON b.agent = n.name
 ORDER BY n.name;

-- name: agent_known
SELECT EXISTS (SELECT 1 FROM agents WHERE name = :name)
    OR EXISTS (SELECT 1 FROM feedback WHERE agent = :name) OR EXISTS (SELECT 1 FROM items WHERE author = :name)
    OR EXISTS (SELECT 1 FROM tokens WHERE agent = :name) AS known;

-- name: withdrawn_by
SELECT withdrawn_by FROM agents WHERE name = :name;

-- name: silenced
SELECT w.agent, max(p.applied_at) AS until FROM withdrawals w JOIN plans p ON p.id = w.plan
 WHERE p.applied_at IS NOT NULL AND p.undone_at IS NULL GROUP BY w.agent;

-- name: arrivals_of_agents
SELECT name, first_seen, slip FROM agents;

-- name: kept_items
SELECT id, author, lesson, slot, trust, flags <> '' AS held FROM items WHERE space = 'general';

-- name: last_event
SELECT coalesce(max(seq), 0) AS seq FROM events;

-- name: happened_after
SELECT e.seq, e.at, e.kind, e.agent, e.subject, e.body,
       f.outcome, f.implicit, f.receipt, f.answer, coalesce(r.shown, unpacked(a.details) ->> '$.shown') AS shown,
       coalesce(r.near, unpacked(a.details) ->> '$.near') AS near,
       coalesce(r.control, unpacked(a.details) ->> '$.control') AS control,
       (SELECT min(v.direct) FROM verdicts v WHERE v.source = f.receipt AND v.feedback = f.id
          AND v.item IS NOT f.answer ->> '$.learned[0].id'
          AND v.item IN (SELECT value FROM json_each(f.answer, '$.credited')
                          UNION ALL SELECT value FROM json_each(f.answer, '$.blamed'))) AS direct,
       CASE WHEN f.receipt IS NULL THEN
           (SELECT json_group_object(v.item, v.source) FROM verdicts v WHERE v.feedback = f.id
               AND v.item IN (SELECT value FROM json_each(f.answer, '$.credited')
                               UNION ALL SELECT value FROM json_each(f.answer, '$.blamed'))) END AS sources
  FROM events e
  LEFT JOIN feedback f ON f.id = e.subject AND e.kind IN ('feedback', 'implied') AND f.answer <> ''
  LEFT JOIN receipts r ON r.id = f.receipt
  LEFT JOIN archived_receipts a ON a.id = f.receipt
 WHERE e.seq > :after AND e.seq <= :until AND e.kind IN ('feedback', 'implied', 'superseded', 'pruned', 'merged', 'restored', 'withdrawal undone', 'imported')
 ORDER BY e.seq LIMIT :limit;

-- name: bearings
SELECT id, author, feedback, stage, trust, superseded_by, pruned_by, merged_into FROM items
 WHERE space = 'general' AND id IN (SELECT value FROM json_each(:ids));

-- name: brought_by
SELECT id FROM items WHERE space = 'general' AND author = :agent ORDER BY seq;

-- name: wordings_of
SELECT id, author, merged_into FROM items
 WHERE merged_into IN (SELECT value FROM json_each(:ids)) ORDER BY seq;

-- name: verdicts_by
SELECT v.* FROM verdicts v JOIN items i ON i.id = v.item WHERE v.agent = :agent AND i.space = 'general'
 ORDER BY v.item, v.source;

-- name: conflicts_by
SELECT k.item, k.other, k.feedback
  FROM conflicts k JOIN feedback f ON f.id = k.feedback JOIN items i ON i.id = k.item AND i.space = 'general'
 WHERE f.agent = :agent ORDER BY k.item, k.other;

-- name: conflicts_among
SELECT item, other, feedback FROM conflicts WHERE item IN (SELECT value FROM json_each(:ids)) ORDER BY item, other;

-- name: every_blame
SELECT lesson, agent, feedback, at FROM blames ORDER BY lesson, agent;

-- name: taken_by
SELECT i.id, p.id AS plan, p.kind FROM items i JOIN plans p ON p.id = i.pruned_by
 WHERE i.space = 'general' AND i.merged_into IS NULL
   AND ((p.kind = 'prune' AND p.agent = :agent)
        OR (p.kind = 'consolidation' AND EXISTS (SELECT 1 FROM verdicts v
             WHERE v.item = i.id AND v.agent = :agent AND v.sign < 0)))
 ORDER BY i.seq;

-- name: plans_of
SELECT id FROM plans
 WHERE agent = :agent AND kind IN ('edit', 'import') AND applied_at IS NOT NULL AND undone_at IS NULL ORDER BY id;

-- name: reports_of
SELECT count(*) AS count FROM feedback WHERE agent = :agent AND implicit = '';

-- name: tokens_of
SELECT count(*) AS count FROM tokens
 WHERE agent = :agent AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now);

-- name: withdrawal
SELECT agent, changes FROM withdrawals WHERE plan = :plan;

-- name: add_withdrawal
INSERT INTO withdrawals (plan, agent, changes) VALUES (:plan, :agent, :changes);

-- name: withdraw_agent
INSERT INTO agents (name, first_seen, last_seen, withdrawn_by) VALUES (:name, :at, :at, :plan)
    ON CONFLICT (name) DO UPDATE SET withdrawn_by = excluded.withdrawn_by;

-- name: readmit_agent
UPDATE agents SET withdrawn_by = NULL WHERE name = :name AND (:plan = '' OR withdrawn_by = :plan);

-- name: set_bearing
UPDATE items SET author = :author, feedback = :feedback, stage = iif(flags = '', :stage, 'provisional'), trust = :trust, superseded_by = :superseded_by,
       pruned_by = :pruned_by, merged_into = :merged_into
 WHERE id = :id;

-- name: unmark_conflict
DELETE FROM conflicts WHERE item = :item AND other = :other AND feedback = :feedback;

-- name: unblame
DELETE FROM blames WHERE lesson = :lesson AND agent = :agent AND feedback = :feedback;

-- name: adopt_author
UPDATE items SET author = :author, feedback = :feedback WHERE id = :id;
