-- What changed of the rows of the knowledge spaces; see the migration that made `row_changes`.

-- name: last_row_change
SELECT seq, item FROM row_changes ORDER BY seq DESC LIMIT 1;

-- name: row_changes_from
SELECT seq, item FROM row_changes WHERE seq >= :seq ORDER BY seq LIMIT :limit;

-- name: forget_row_changes
DELETE FROM row_changes WHERE seq <= (SELECT max(seq) FROM row_changes) - :kept;
