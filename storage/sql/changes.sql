-- What changed of the rows of the knowledge spaces; see the migration that made `row_changes`.

-- name: last_row_change
SELECT seq, item FROM row_changes ORDER BY seq DESC LIMIT 1;

-- name: row_changes_from
SELECT seq, item FROM row_changes WHERE seq >= :seq ORDER BY seq LIMIT :limit;

-- name: forget_row_changes
DELETE FROM row_changes
 WHERE seq <= (SELECT max(seq) FROM row_changes) - :kept
   AND seq < coalesce((SELECT min(seq) FROM followed), 0);

-- name: followed
SELECT seq, item FROM followed WHERE generation = :generation;

-- name: set_followed
INSERT INTO followed (generation, seq, item)
SELECT :generation, :seq, :item
 WHERE :generation >= (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'generation')
    ON CONFLICT (generation) DO UPDATE SET seq = excluded.seq, item = excluded.item;

-- name: forget_followed
DELETE FROM followed WHERE generation <> :generation;
