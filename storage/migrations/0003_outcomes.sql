-- Outcomes that nobody reported but a hook saw, and the best lessons of a project at once.

-- What a hook saw ("" for a report of the agent's own). Such an outcome answers no receipt.
ALTER TABLE feedback ADD COLUMN implicit TEXT NOT NULL DEFAULT '';
CREATE INDEX feedback_implicit ON feedback (receipt) WHERE implicit <> '';

-- Whether only an outcome that a hook saw speaks; the agent's own word takes its place.
ALTER TABLE verdicts ADD COLUMN implicit INTEGER NOT NULL DEFAULT 0 CHECK (implicit IN (0, 1));

-- When the agent was asked for the feedback that a receipt misses: each at most once.
ALTER TABLE receipts ADD COLUMN reminded_at INTEGER;

-- What outcomes speak for, by project, and what they speak for in several.
CREATE INDEX items_best ON items (project, stage, trust DESC) WHERE space = 'general' AND pruned_by IS NULL;
CREATE INDEX items_best_of_several ON items (stage, trust DESC)
    WHERE space = 'general' AND pruned_by IS NULL AND projects > 1;
