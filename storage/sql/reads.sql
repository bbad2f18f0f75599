-- A plus before a column keeps SQLite from reading a whole space by an index where few rows are asked for.
--
-- Who may see what is decided here. An item: space = 'general' OR owner = :agent. What an item is to another counts only
-- where both have one owner. The words of a report that tells of its agent's own items (`own`) are told of these alone.
-- A receipt is its agent's, and a plan belongs to whoever may see all of its items; NULL for :agent asks for anybody's.

-- name: meta
SELECT key, value FROM meta;

-- name: items
SELECT i.*, c.body AS content, c.screened,
       successor.id AS successor,
       (SELECT json_group_array(k.other)
          FROM conflicts k JOIN items o ON o.id = k.other
         WHERE k.item = i.id AND o.owner = i.owner AND o.pruned_by IS NULL AND o.superseded_by IS NULL) AS conflicting,
       (SELECT json_group_array(l.other) FROM links l JOIN items o ON o.id = l.other
         WHERE l.item = i.id AND o.owner = i.owner AND o.pruned_by IS NULL) AS similar,
       (SELECT count(*) FROM blames b WHERE b.lesson = i.lesson) AS blames
  FROM items i
  JOIN contents c ON c.id = i.id
  LEFT JOIN items successor ON successor.id = i.superseded_by AND successor.owner = i.owner AND successor.pruned_by IS NULL
 WHERE i.id IN (SELECT value FROM json_each(:ids))
   AND (i.pruned_by IS NULL OR :pruned)
   AND (i.space = 'general' OR i.owner = :agent);

-- name: outlines
SELECT json_group_array(json_array(
           i.id,
           json(CASE WHEN i.id IN (SELECT value FROM json_each(:worded)) THEN c.body ELSE '{}' END), c.screened,
           i.project, json(i.tags), i.lesson, json(printf('%!.17g', i.trust)), i.projects,
           successor.id,
           json((SELECT json_group_array(k.other)
                   FROM conflicts k JOIN items o ON o.id = k.other
                  WHERE k.item = i.id AND o.owner = i.owner AND o.pruned_by IS NULL AND o.superseded_by IS NULL)),
           json((SELECT json_group_array(l.other) FROM links l JOIN items o ON o.id = l.other
                  WHERE l.item = i.id AND o.owner = i.owner AND o.pruned_by IS NULL)),
           (SELECT count(*) FROM blames b WHERE b.lesson = i.lesson),
           i.flags)) AS outlines
  FROM items i
  JOIN contents c ON c.id = i.id
  LEFT JOIN items successor ON successor.id = i.superseded_by AND successor.owner = i.owner AND successor.pruned_by IS NULL
 WHERE i.id IN (SELECT value FROM json_each(:ids)) AND i.pruned_by IS NULL
   AND (i.space = 'general' OR i.owner = :agent);

-- name: item_of_digest
WITH RECURSIVE known (id, pruned_by, merged_into) AS (
    SELECT id, pruned_by, merged_into FROM items WHERE space = :space AND owner = :owner AND digest = :digest
    UNION
    SELECT i.id, i.pruned_by, i.merged_into FROM known k JOIN items i ON i.id = k.merged_into)
SELECT id, pruned_by FROM known WHERE merged_into IS NULL;

-- name: item_of_gist
SELECT id FROM items
 WHERE space = :space AND owner = :owner AND gist = :gist AND gist <> '' AND flags = '' AND pruned_by IS NULL
 ORDER BY seq LIMIT 1;

-- name: survivors
WITH RECURSIVE merged (id, survivor) AS (
    SELECT id, merged_into FROM items
     WHERE id IN (SELECT value FROM json_each(:ids)) AND merged_into IS NOT NULL
    UNION
    SELECT m.id, i.merged_into FROM merged m JOIN items i ON i.id = m.survivor WHERE i.merged_into IS NOT NULL)
SELECT m.id, m.survivor FROM merged m JOIN items i ON i.id = m.survivor WHERE i.merged_into IS NULL;

-- name: wordings
WITH RECURSIVE merged (id) AS (
    SELECT id FROM items WHERE merged_into = :id
    UNION
    SELECT i.id FROM merged m JOIN items i ON i.merged_into = m.id)
SELECT id FROM merged ORDER BY id;

-- name: item_ids_of_space
SELECT id FROM items
 WHERE +space = :space AND (+space = 'general' OR +owner = :agent) AND pruned_by IS NULL
 ORDER BY seq DESC LIMIT :limit;

-- name: best_items
SELECT id FROM (SELECT id FROM items INDEXED BY items_best
                 WHERE space = 'general' AND pruned_by IS NULL AND project = :project
                 ORDER BY stage, trust DESC LIMIT :limit)
UNION
SELECT id FROM (SELECT id FROM items INDEXED BY items_best
                 WHERE space = 'general' AND pruned_by IS NULL AND project = ''
                 ORDER BY stage, trust DESC LIMIT :limit)
UNION
SELECT id FROM (SELECT id FROM items INDEXED BY items_best_of_several
                 WHERE space = 'general' AND pruned_by IS NULL AND projects > 1
                 ORDER BY stage, trust DESC LIMIT :limit);

-- name: predecessors
SELECT id, superseded_by FROM items WHERE superseded_by IN (SELECT value FROM json_each(:ids));

-- name: trust
SELECT trust FROM items WHERE id = :id;

-- name: merge_plan
SELECT p.*, c.body AS content, c.screened
  FROM items i JOIN plans p ON p.id = i.pruned_by LEFT JOIN contents c ON c.id = p.id
 WHERE i.id = :item AND i.merged_into IS NOT NULL;

-- name: successor
SELECT superseded_by FROM items WHERE id = :id;

-- name: living_ids
SELECT seq, id FROM items
 WHERE +space = :space AND pruned_by IS NULL AND seq > :after ORDER BY seq LIMIT :limit;

-- name: living_after
SELECT i.seq, i.id, i.owner, i.task_type, i.tags, c.body AS content, c.screened
  FROM items i JOIN contents c ON c.id = i.id
 WHERE +i.space = :space AND i.pruned_by IS NULL AND i.seq > :after
 ORDER BY i.seq LIMIT :limit;

-- name: living_among
SELECT i.seq, i.id, i.owner, i.task_type, i.tags, c.body AS content, c.screened
  FROM items i JOIN contents c ON c.id = i.id
 WHERE +i.space = :space AND i.pruned_by IS NULL AND i.id IN (SELECT value FROM json_each(:ids));

-- name: own_items
SELECT count(*) AS count FROM items WHERE space = 'prompt' AND owner = :agent AND pruned_by IS NULL;

-- name: own_item
SELECT 1 FROM items WHERE space = 'prompt' AND owner = :agent AND pruned_by IS NULL LIMIT 1;

-- name: count_of_space
SELECT count(*) AS count FROM items WHERE space = :space AND pruned_by IS NULL;

-- name: receipt
SELECT r.*, c.body AS content, c.screened FROM receipts r LEFT JOIN contents c ON c.id = r.id
 WHERE r.id = :id AND (:agent IS NULL OR r.agent = :agent);

-- name: latest_receipt_showing
SELECT r.id FROM (SELECT id, seq, shown FROM receipts WHERE agent = :agent ORDER BY seq DESC LIMIT 1000) r,
       json_each(r.shown) s
 WHERE s.value ->> 0 = :item ORDER BY r.seq DESC LIMIT 1;

-- name: feedback_of_key
SELECT request, answer FROM feedback WHERE agent = :agent AND key = :key AND key <> '';

-- name: verdict
SELECT * FROM verdicts WHERE item = :item AND source = :source;

-- name: said
SELECT * FROM verdicts WHERE item IN (SELECT value FROM json_each(:items)) AND agent = :agent;

-- name: verdicts
SELECT * FROM verdicts WHERE item = :item ORDER BY at, source;

-- name: implied_verdicts
SELECT * FROM verdicts WHERE source = :receipt AND implicit;

-- name: unanswered
SELECT r.id, c.body AS content, c.screened FROM receipts r LEFT JOIN contents c ON c.id = r.id
 WHERE r.id IN (SELECT value FROM json_each(:receipts)) AND r.answered_at IS NULL AND r.reminded_at IS NULL
   AND (:agent IS NULL OR r.agent = :agent)
 ORDER BY r.seq;

-- name: latest_receipt_among
SELECT id FROM receipts
 WHERE id IN (SELECT value FROM json_each(:ids)) AND (:agent IS NULL OR agent = :agent) ORDER BY seq DESC LIMIT 1;

-- name: latest_implied
SELECT id, implicit FROM feedback WHERE receipt = :receipt AND implicit <> '' ORDER BY at DESC, id DESC LIMIT 1;

-- name: neighbours
SELECT id, trust, author, lesson, slot, superseded_by,
       (SELECT count(*) FROM blames b WHERE b.lesson = items.lesson) AS blames
  FROM items
 WHERE pruned_by IS NULL AND +space = 'general' AND id IN (SELECT value FROM json_each(:ids));

-- name: brought
SELECT 1 FROM verdicts v JOIN items i ON i.id = v.item
 WHERE v.source = :receipt AND v.sign > 0 AND NOT v.implicit AND i.lesson = :lesson LIMIT 1;

-- name: slip
SELECT slip FROM agents WHERE name = :name;

-- name: slips_of_newcomers
SELECT slip FROM agents WHERE slip IS NOT NULL ORDER BY first_seen DESC, name LIMIT :latest;

-- name: experience
SELECT * FROM experience;

-- name: waiting
SELECT coalesce((SELECT max(seq) FROM items), 0) AS latest,
       coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'consolidated'), 0) AS consolidated;

-- name: waiting_since
SELECT created_at FROM items
 WHERE seq > coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'consolidated'), 0) ORDER BY seq LIMIT 1;

-- name: arrivals
SELECT seq, id, space, owner, task_type, pruned_by IS NULL AS living FROM items
 WHERE seq > coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'consolidated'), 0)
 ORDER BY seq LIMIT :limit;

-- name: judged
SELECT seq, id FROM items i
 WHERE seq > :after AND +space = 'general' AND pruned_by IS NULL AND (agents > 1 OR contradiction > 0)
   AND NOT EXISTS (SELECT 1 FROM events e WHERE e.subject = i.id AND e.kind = 'restored')
 ORDER BY seq LIMIT :limit;

-- name: disputes
SELECT k.item, k.other FROM conflicts k
  JOIN items i ON i.id = k.item JOIN items o ON o.id = k.other
 WHERE k.item > :after AND o.owner = i.owner AND i.pruned_by IS NULL AND o.pruned_by IS NULL
   AND i.contradiction > 0 AND i.trust < 0.5 AND o.trust > 0.5 AND o.seq > i.seq
   AND NOT EXISTS (SELECT 1 FROM events e WHERE e.subject = i.id AND e.kind = 'restored')
 ORDER BY k.item LIMIT :limit;

-- name: forgettable
SELECT i.id, i.space, i.owner FROM items i
 WHERE i.pruned_by IS NULL AND i.updated_at < :before
   AND ((i.contradiction >= :contradictions AND i.trust < :trust)
        OR EXISTS (SELECT 1 FROM items s
                    WHERE s.id = i.superseded_by AND s.owner = i.owner AND s.pruned_by IS NULL AND s.stage = 'active'))
   AND NOT EXISTS (SELECT 1 FROM events e WHERE e.subject = i.id AND e.kind = 'restored')
 ORDER BY i.trust, i.seq;

-- name: latest_signs
SELECT v.item, v.agent, v.sign, max(v.at) FROM verdicts v JOIN items i ON i.id = v.item
 WHERE v.item IN (SELECT value FROM json_each(:ids)) AND v.direct AND v.at > i.borne_from GROUP BY v.item, v.agent;

-- name: count_agents
SELECT count(*) AS count FROM agents WHERE withdrawn_by IS NULL;

-- name: speaking_against
SELECT v.item, v.feedback, v.agent, CASE WHEN f.own AND f.agent <> i.owner THEN '{}' ELSE c.body END AS content, c.screened
  FROM verdicts v JOIN items i ON i.id = v.item JOIN feedback f ON f.id = v.feedback JOIN contents c ON c.id = v.feedback
 WHERE v.item IN (SELECT value FROM json_each(:ids)) AND v.sign < 0 AND v.direct
 ORDER BY v.at DESC;

-- name: feedback
SELECT f.*, c.body AS content, c.screened FROM feedback f LEFT JOIN contents c ON c.id = f.id
 WHERE f.id = :id AND (f.agent = :agent OR (:others AND NOT f.own));

-- name: history
SELECT at, kind, agent, body FROM events WHERE subject = :subject ORDER BY seq;

-- name: plan
SELECT p.*, c.body AS content, c.screened FROM plans p LEFT JOIN contents c ON c.id = p.id
 WHERE p.id = :id
   AND (:agent IS NULL
        OR NOT EXISTS (SELECT 1 FROM json_each(p.items) l JOIN items i ON i.id IN (l.value ->> 'item', l.value ->> 'other')
                        WHERE i.space = 'prompt' AND i.owner <> :agent));

-- name: prunable
SELECT i.id FROM items i
 WHERE i.pruned_by IS NULL AND (i.space = 'general' OR i.owner = :agent)
   AND (:space = 'all' OR i.space = :space)
   AND ((i.contradiction >= :contradictions AND i.trust < :trust)
        OR EXISTS (SELECT 1 FROM items s
                    WHERE s.id = i.superseded_by AND s.owner = i.owner AND s.pruned_by IS NULL AND s.stage = 'active'))
 ORDER BY i.trust, i.seq;

-- Each branch reads an index, or the few items that it is about.
-- name: census_items
WITH superseded AS MATERIALIZED (
    SELECT i.id, i.space, i.stage FROM items i JOIN items s ON s.id = i.superseded_by
     WHERE i.superseded_by IS NOT NULL AND i.pruned_by IS NULL AND s.owner = i.owner AND s.pruned_by IS NULL),
contested AS MATERIALIZED (
    SELECT DISTINCT i.id, i.space, i.stage
      FROM conflicts k CROSS JOIN items i ON i.id = k.item CROSS JOIN items o ON o.id = k.other
     WHERE i.pruned_by IS NULL AND o.owner = i.owner AND o.pruned_by IS NULL AND o.superseded_by IS NULL
       AND i.id NOT IN (SELECT id FROM superseded))
SELECT space, stage AS status, count(*) AS count FROM items WHERE pruned_by IS NULL GROUP BY space, stage
UNION ALL SELECT space, 'superseded', count(*) FROM superseded GROUP BY space
UNION ALL SELECT space, 'contested', count(*) FROM contested GROUP BY space
UNION ALL SELECT space, stage, -count(*) FROM superseded GROUP BY space, stage
UNION ALL SELECT space, stage, -count(*) FROM contested GROUP BY space, stage;

-- name: census
SELECT (SELECT count(*) FROM agents) AS agents, (SELECT count(*) FROM items) AS items,
       (SELECT count(*) FROM items WHERE flags <> '' AND pruned_by IS NULL) AS held,
       (SELECT count(*) FROM feedback) - (SELECT count(*) FROM feedback WHERE implicit <> '') AS feedback,
       (SELECT count(*) FROM receipts) + (SELECT count(*) FROM archived_receipts) AS receipts,
       (SELECT count(*) FROM archived_receipts) AS archived,
       (SELECT count(*) FROM receipts WHERE answered_at IS NOT NULL)
     + (SELECT count(*) FROM archived_receipts WHERE answered_at IS NOT NULL) AS answered,
       (SELECT count(DISTINCT f.receipt) FROM feedback f JOIN receipts r ON r.id = f.receipt
         WHERE f.implicit <> '' AND r.answered_at IS NULL)
     + (SELECT count(DISTINCT f.receipt) FROM feedback f JOIN archived_receipts r ON r.id = f.receipt
         WHERE f.implicit <> '' AND r.answered_at IS NULL) AS implicit;

-- name: attempts
SELECT r.id, r.at, r.agent, r.project, r.mode, r.shown, CASE WHEN :tasks THEN '[]' ELSE r.near END AS near, r.control, r.held_out, r.answered_at,
       (SELECT f.outcome || ' ' || f.implicit FROM feedback f
         WHERE f.receipt = r.id AND f.outcome <> 'observation'
         ORDER BY f.implicit <> '', iif(f.implicit = '', f.at, -f.at), f.id LIMIT 1) AS outcome,
       c.body AS content, c.screened
  FROM all_receipts r LEFT JOIN contents c ON :tasks AND c.id = r.id ORDER BY r.seq DESC LIMIT :latest;

-- name: reports_on
SELECT id, at, outcome, implicit FROM feedback WHERE receipt = :receipt ORDER BY at, id;

-- name: traits
SELECT id, space, CASE space WHEN 'general' THEN tags ELSE '[]' END AS tags FROM items;

-- name: asked
SELECT 1 FROM questions WHERE agent = :agent AND gap = :gap;

-- name: faults
PRAGMA quick_check(5);

-- name: all_faults
PRAGMA integrity_check(5);

-- name: latest_event
SELECT id FROM events ORDER BY seq DESC LIMIT 1;
