-- Which rows of the knowledge spaces must be looked at again, in the order in which the ledger changed what they hold or
-- whether they stand there: what is kept of them in memory follows. Filled here, so that no way of changing can forget
-- it; trimmed by upkeep, but never its newest row.
CREATE TABLE row_changes (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    item TEXT NOT NULL
) STRICT;

CREATE TRIGGER row_added AFTER INSERT ON items BEGIN
    INSERT INTO row_changes (item) VALUES (new.id);
END;
CREATE TRIGGER row_changed AFTER UPDATE OF space, owner, task_type, tags, pruned_by ON items
 WHEN (old.pruned_by IS NULL) <> (new.pruned_by IS NULL) OR old.space <> new.space OR old.owner <> new.owner
   OR old.task_type <> new.task_type OR old.tags <> new.tags
BEGIN
    INSERT INTO row_changes (item) VALUES (new.id);
END;
CREATE TRIGGER row_reworded AFTER UPDATE OF body ON contents
 WHEN old.body <> new.body AND EXISTS (SELECT 1 FROM items WHERE id = new.id)
BEGIN
    INSERT INTO row_changes (item) VALUES (new.id);
END;
CREATE TRIGGER row_removed AFTER DELETE ON items BEGIN
    INSERT INTO row_changes (item) VALUES (old.id);
END;
