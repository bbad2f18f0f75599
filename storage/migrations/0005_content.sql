-- What was looked through for secrets, and what tries to instruct its reader.
-- `screened` is the version of the screening for secrets that a text has passed; 0 for what is older than any.
ALTER TABLE contents ADD COLUMN screened INTEGER NOT NULL DEFAULT 0;
CREATE INDEX contents_unscreened ON contents (screened);
