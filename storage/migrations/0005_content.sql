-- What was looked through for secrets, and what tries to instruct its reader.

-- `screened` is the version of the screening for secrets that a text has passed; 0 for what is older than any.
ALTER TABLE contents ADD COLUMN screened INTEGER NOT NULL DEFAULT 0;
CREATE INDEX contents_unscreened ON contents (screened);

-- Why an item is held until a person has looked at it ("" for nothing), by which judgement (0 for none), and whether a
-- person accepted its words as they are. What is held is never active.
ALTER TABLE items ADD COLUMN flags TEXT NOT NULL DEFAULT '' CHECK (flags = '' OR stage = 'provisional');
ALTER TABLE items ADD COLUMN judgement INTEGER NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0 CHECK (accepted IN (0, 1));
CREATE INDEX items_to_judge ON items (judgement) WHERE NOT accepted;
CREATE INDEX items_held ON items (seq) WHERE flags <> '';
