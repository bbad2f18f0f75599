-- What an earlier version stored and the present screening has not seen; plans are screened whenever they are read.
-- name: unscreened
SELECT c.id, c.body AS content, c.screened, i.space, i.task_type, i.project, i.tags
  FROM contents c LEFT JOIN items i ON i.id = c.id
 WHERE c.screened < :screening AND substr(c.id, 1, 2) <> 'p_' LIMIT :limit;

-- name: mark_screened
UPDATE contents SET screened = :screening WHERE id = :id AND body = :before RETURNING id;

-- name: rescreen_item
UPDATE items SET task_type = :task_type, project = :project, tags = :tags WHERE id = :id;
