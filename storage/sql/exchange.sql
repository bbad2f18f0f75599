-- name: exportable
SELECT i.id, successor.id AS successor FROM items i
  LEFT JOIN items successor ON successor.id = i.superseded_by AND successor.owner = i.owner AND successor.pruned_by IS NULL
 WHERE i.pruned_by IS NULL AND (i.space = 'general' OR i.owner = :agent)
   AND (:space = 'all' OR i.space = :space) AND (:project = '' OR i.project = :project)
   AND NOT EXISTS (SELECT 1 FROM json_each(:tags) wanted
                    WHERE wanted.value NOT IN (SELECT value FROM json_each(i.tags)))
 ORDER BY i.id;

-- name: verdicts_of
SELECT * FROM verdicts WHERE item IN (SELECT value FROM json_each(:ids)) ORDER BY item, at, source;

-- name: statements
SELECT f.id, f.agent, f.at, f.outcome, f.implicit, CASE WHEN f.own THEN '{}' ELSE c.body END AS content, c.screened
  FROM feedback f LEFT JOIN contents c ON c.id = f.id
 WHERE f.id IN (SELECT value FROM json_each(:ids));

-- name: blames_of
SELECT i.id AS item, b.feedback FROM items i JOIN blames b ON b.lesson = i.lesson
 WHERE i.id IN (SELECT value FROM json_each(:ids)) ORDER BY i.id, b.feedback;

-- name: marks_of
SELECT item, other FROM conflicts WHERE item IN (SELECT value FROM json_each(:ids)) ORDER BY item, other;

-- name: borne_from
SELECT id, borne_from FROM items WHERE id IN (SELECT value FROM json_each(:ids)) AND borne_from > 0;

-- name: standing
SELECT i.id, i.space, i.owner, i.digest, i.gist, i.pruned_by, i.merged_into,
       (SELECT p.kind FROM plans p WHERE p.id = i.pruned_by) AS plan_kind
  FROM items i
 WHERE i.seq IN (
    SELECT seq FROM items WHERE id IN (SELECT value FROM json_each(:ids))
    UNION ALL
    SELECT seq FROM items WHERE space = 'general' AND owner = '' AND digest IN (SELECT value FROM json_each(:digests))
    UNION ALL
    SELECT seq FROM items WHERE space = 'prompt' AND owner = :agent AND digest IN (SELECT value FROM json_each(:digests))
    UNION ALL
    SELECT seq FROM items WHERE space = 'general' AND owner = '' AND gist <> ''
       AND gist IN (SELECT value FROM json_each(:gists)))
 ORDER BY i.seq;

-- name: adopt_content
INSERT INTO contents (id, body, nonce, screened) VALUES (:id, :body, :nonce, :screened) ON CONFLICT DO NOTHING;

-- name: adopt_item
INSERT INTO items (id, space, owner, kind, task_type, project, tags, digest, condition, lesson, slot, gist, author,
                   feedback, created_at, updated_at, stage, trust, borne_from, superseded_by, flags, judgement)
VALUES (:id, :space, :owner, :kind, :task_type, :project, :tags, :digest, :condition, :lesson, :slot, :gist, :author,
        :feedback, :created_at, :updated_at, iif(:flags = '', :stage, 'provisional'), :trust, :borne_from,
        :superseded_by, :flags, :judgement);

-- name: adopt_feedback
INSERT INTO feedback (id, at, agent, receipt, outcome, implicit, own, key, request, answer)
VALUES (:id, :at, :agent, NULL, :outcome, :implicit, :own, '', '', '') ON CONFLICT DO NOTHING;

-- name: adopt_blame
INSERT INTO blames (lesson, agent, feedback, at) VALUES (:lesson, :agent, :feedback, :at) ON CONFLICT DO NOTHING;

-- name: succeed_in_place_of
UPDATE items SET superseded_by = :known WHERE superseded_by = :absent;

-- name: contest_in_place_of
INSERT INTO conflicts (item, other, feedback)
SELECT other, :known, feedback FROM conflicts WHERE item = :absent AND other <> :known
 UNION ALL
SELECT :known, other, feedback FROM conflicts WHERE item = :absent AND other <> :known
    ON CONFLICT DO NOTHING;
