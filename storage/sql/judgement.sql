-- What tries to instruct its reader.

-- name: unjudged
SELECT i.id, i.task_type, i.project, i.tags, c.body AS content, c.screened, f.body AS told
  FROM items i JOIN contents c ON c.id = i.id LEFT JOIN contents f ON f.id = i.feedback
 WHERE NOT i.accepted AND i.judgement < :judgement LIMIT :limit;

-- name: accepted
SELECT accepted FROM items WHERE id = :id;

-- name: hold
UPDATE items SET flags = :flags, judgement = :judgement, accepted = :accepted,
       stage = iif(:flags = '', stage, 'provisional')
 WHERE id = :id;

-- name: judge
UPDATE items SET flags = :flags, judgement = :judgement, stage = iif(:flags = '', stage, 'provisional')
 WHERE id = :id AND judgement < :judgement AND NOT accepted RETURNING id;
