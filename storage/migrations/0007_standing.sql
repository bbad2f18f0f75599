-- Agents whose contributions were withdrawn.

-- The plan that withdrew an agent: what it reports is refused until the plan is taken back or it is let in again.
ALTER TABLE agents ADD COLUMN withdrawn_by TEXT;

-- What such a plan changed, as JSON: what was before and what was made of it, for taking it back.
CREATE TABLE withdrawals (
    plan    TEXT PRIMARY KEY,
    agent   TEXT NOT NULL,
    changes TEXT NOT NULL
) STRICT, WITHOUT ROWID;
