-- How far the tables of a generation of the knowledge spaces have come in what `row_changes` tells. What a program
-- before this one committed stands in them already.
CREATE TABLE followed (
    generation INTEGER PRIMARY KEY,
    seq        INTEGER NOT NULL,
    item       TEXT NOT NULL
) STRICT;

INSERT INTO followed (generation, seq, item)
SELECT CAST(meta.value AS INTEGER), change.seq, change.item
  FROM meta, row_changes AS change
 WHERE meta.key = 'generation' AND change.seq = (SELECT max(seq) FROM row_changes);

-- One that was broken off is begun anew: what has changed since could not be told.
DELETE FROM meta WHERE key = 'rebuilding';
