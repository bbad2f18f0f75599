-- What learning keeps beside an item's trust.

-- `gist` is a salted digest like `digest`, of the lesson's gist instead of its words: equal gists are the same lesson in
-- other words. A merged item is taken away by its plan and lives on in `merged_into`.
ALTER TABLE items ADD COLUMN gist TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN merged_into TEXT;
CREATE INDEX items_of_gist ON items (space, owner, gist) WHERE gist <> '';
CREATE INDEX items_merged ON items (merged_into) WHERE merged_into IS NOT NULL;

-- Lessons that are near in meaning: one of them is shown.
CREATE TABLE links (
    item  TEXT NOT NULL,
    other TEXT NOT NULL,
    plan  TEXT NOT NULL,
    PRIMARY KEY (item, other)
) STRICT, WITHOUT ROWID;

-- Who called items with this lesson harmful since it was last borne out anywhere.
CREATE TABLE blames (
    lesson   TEXT NOT NULL,
    agent    TEXT NOT NULL,
    feedback TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (lesson, agent)
) STRICT, WITHOUT ROWID;

-- A plan changes items: it prunes, it merges another wording into an item, or it is what consolidation did.
ALTER TABLE plans ADD COLUMN kind TEXT NOT NULL DEFAULT 'prune';

-- What the controller saw and decided, and whether knowledge was held back to measure what it is worth.
ALTER TABLE receipts ADD COLUMN control TEXT NOT NULL DEFAULT '{}';
ALTER TABLE receipts ADD COLUMN held_out INTEGER NOT NULL DEFAULT 0;

-- What reports taught about reports. `weights` and `foreseen` are JSON: how well each weight of evidence would
-- have foreseen the reports, and how outcomes turned out by how good the prospect looked.
ALTER TABLE experience DROP COLUMN novel;
ALTER TABLE experience ADD COLUMN blamed REAL NOT NULL DEFAULT 0;
ALTER TABLE experience ADD COLUMN revived REAL NOT NULL DEFAULT 0;
ALTER TABLE experience ADD COLUMN surprise REAL NOT NULL DEFAULT 0;
ALTER TABLE experience ADD COLUMN weights TEXT NOT NULL DEFAULT '[]';
ALTER TABLE experience ADD COLUMN foreseen TEXT NOT NULL DEFAULT '[]';

-- What one receipt, or one agent without a receipt, said.
CREATE INDEX verdicts_of_source ON verdicts (source);

-- Which open question an agent was asked: each at most once.
CREATE TABLE questions (
    agent TEXT NOT NULL,
    gap   TEXT NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (agent, gap)
) STRICT, WITHOUT ROWID;
CREATE INDEX feedback_of_receipt ON feedback (receipt, at) WHERE receipt IS NOT NULL;
