-- What people ask of the ledger.

-- Which of the words stand in which living item, as bits; of the items with the same words, the most trusted and how many
-- there are. A word that is left out is ''.
-- name: matching
WITH texts AS MATERIALIZED (
    SELECT i.id, i.trust, i.seq, lower(c.body) AS body
      FROM items i JOIN contents c ON c.id = i.id
     WHERE i.pruned_by IS NULL AND (i.space = 'general' OR i.owner = :agent)
       AND (NOT :flagged OR i.flags <> '') AND (:space = '' OR +i.space = :space) AND (:project = '' OR i.project = :project)
       AND (:tags = '[]' OR NOT EXISTS (SELECT 1 FROM json_each(:tags) w
             WHERE NOT EXISTS (SELECT 1 FROM json_each(i.tags) t WHERE t.value = w.value)))
       AND (:status = '' OR :status = CASE
               WHEN EXISTS (SELECT 1 FROM items s
                             WHERE s.id = i.superseded_by AND s.owner = i.owner AND s.pruned_by IS NULL) THEN 'superseded'
               WHEN EXISTS (SELECT 1 FROM conflicts k JOIN items o ON o.id = k.other
                             WHERE k.item = i.id AND o.owner = i.owner AND o.pruned_by IS NULL AND o.superseded_by IS NULL) THEN 'contested'
               ELSE i.stage END)),
marked AS MATERIALIZED (
    SELECT id, trust, seq,
            ((:word0 <> '' AND instr(body, :word0) > 0) << 0)
            | ((:word1 <> '' AND instr(body, :word1) > 0) << 1)
            | ((:word2 <> '' AND instr(body, :word2) > 0) << 2)
            | ((:word3 <> '' AND instr(body, :word3) > 0) << 3)
            | ((:word4 <> '' AND instr(body, :word4) > 0) << 4)
            | ((:word5 <> '' AND instr(body, :word5) > 0) << 5)
            | ((:word6 <> '' AND instr(body, :word6) > 0) << 6)
            | ((:word7 <> '' AND instr(body, :word7) > 0) << 7) AS words
      FROM texts)
SELECT id, words, count
  FROM (SELECT id, words, count(*) OVER same AS count,
               row_number() OVER (PARTITION BY words ORDER BY trust DESC, seq DESC) AS place
          FROM marked WHERE words > 0 OR :all
        WINDOW same AS (PARTITION BY words))
 WHERE place <= :most;

-- name: reports_among
SELECT f.id, f.at, f.agent, f.outcome, CASE WHEN f.own AND f.agent <> :agent THEN '{}' ELSE c.body END AS content, c.screened
  FROM feedback f LEFT JOIN contents c ON c.id = f.id WHERE f.id IN (SELECT value FROM json_each(:ids));

-- name: answer_of_report
SELECT answer FROM feedback WHERE id = :id;

-- name: lately
SELECT id FROM (SELECT id, seq FROM items WHERE :kind = 'k' AND pruned_by IS NULL AND (+space = 'general' OR owner = :agent)
                 ORDER BY seq DESC LIMIT :limit)
UNION ALL
SELECT id FROM (SELECT id FROM receipts WHERE :kind = 'r' ORDER BY seq DESC LIMIT :limit)
UNION ALL
SELECT id FROM (SELECT id FROM plans WHERE :kind = 'p' ORDER BY id DESC LIMIT :limit)
UNION ALL
SELECT id FROM (SELECT id FROM feedback WHERE :kind = 'f' ORDER BY id DESC LIMIT :limit);

-- name: holder_of_digest
SELECT id, pruned_by, merged_into FROM items WHERE space = :space AND owner = :owner AND digest = :digest;

-- name: set_content
UPDATE contents SET body = :body, nonce = :nonce, screened = :screened WHERE id = :id;

-- name: reword
UPDATE items SET kind = :kind, task_type = :task_type, project = :project, tags = :tags, digest = :digest,
       condition = :condition, lesson = :lesson, slot = :slot, gist = :gist, updated_at = :at
 WHERE id = :id;
