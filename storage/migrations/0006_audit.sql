-- Events are chained by their hashes (storage/chain.py has the form). `link_of` is ours, made known to every connection.

ALTER TABLE events ADD COLUMN link TEXT NOT NULL DEFAULT '';

-- Where the chain ends: one row. `earlier` events were there before the chain was, and were linked in retrospect.
CREATE TABLE chain (
    events  INTEGER NOT NULL,
    head    TEXT NOT NULL,
    earlier INTEGER NOT NULL
) STRICT;

WITH RECURSIVE linked (seq, link) AS (
    SELECT seq, link_of('', id, store, at, kind, agent, subject, body)
      FROM events WHERE seq = (SELECT min(seq) FROM events)
    UNION ALL
    SELECT e.seq, link_of(l.link, e.id, e.store, e.at, e.kind, e.agent, e.subject, e.body)
      FROM linked l JOIN events e ON e.seq = (SELECT min(seq) FROM events WHERE seq > l.seq))
UPDATE events SET link = linked.link FROM linked WHERE linked.seq = events.seq;

INSERT INTO chain
SELECT count(*), coalesce((SELECT link FROM events ORDER BY seq DESC LIMIT 1), ''), count(*) FROM events;

-- An older process that still writes would break the chain: it is refused.
CREATE TRIGGER events_linked BEFORE INSERT ON events WHEN new.link = '' BEGIN
    SELECT RAISE(ABORT, 'this ledger chains its events: restart this process with the fleetlore that upgraded it');
END;
CREATE TRIGGER events_chained AFTER INSERT ON events BEGIN
    UPDATE chain SET events = events + 1, head = new.link;
END;

-- The key of a text's seal; '' where the text was there before seals were, or was erased (then its body is '{}').
ALTER TABLE contents ADD COLUMN nonce TEXT NOT NULL DEFAULT '';
