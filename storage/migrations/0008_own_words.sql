-- Whether a report tells of what is only its agent's own. Then its words are told of nothing else.
ALTER TABLE feedback ADD COLUMN own INTEGER NOT NULL DEFAULT 0 CHECK (own IN (0, 1));
UPDATE feedback SET own = 1
 WHERE id IN (SELECT feedback FROM items WHERE space = 'prompt'
               UNION
              SELECT v.feedback FROM verdicts v JOIN items i ON i.id = v.item WHERE v.direct AND i.space = 'prompt');
