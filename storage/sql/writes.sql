-- name: set_meta
INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: add_event
INSERT INTO events (id, store, at, kind, agent, subject, body, link)
SELECT :id, :store, :at, :kind, :agent, :subject, :body, link_of(head, :id, :store, :at, :kind, :agent, :subject, :body)
  FROM chain;

-- name: add_content
INSERT INTO contents (id, body, nonce, screened) VALUES (:id, :body, :nonce, :screened);

-- name: saw_agent
INSERT INTO agents (name, first_seen, last_seen) VALUES (:name, :at, :at)
    ON CONFLICT (name) DO UPDATE SET last_seen = max(last_seen, excluded.last_seen);

-- name: set_slip
UPDATE agents SET slip = :slip WHERE name = :name;

-- name: set_experience
UPDATE experience SET reports = :reports, near = :near, confirmed = :confirmed, blamed = :blamed, revived = :revived,
       surprise = :surprise, weights = :weights, foreseen = :foreseen;

-- name: blame
INSERT INTO blames (lesson, agent, feedback, at) VALUES (:lesson, :agent, :feedback, :at) ON CONFLICT DO NOTHING
RETURNING lesson;

-- name: absolve
DELETE FROM blames WHERE lesson = :lesson RETURNING agent;

-- name: add_item
INSERT INTO items (id, space, owner, kind, task_type, project, tags, digest, condition, lesson, slot, gist, author,
                   feedback, created_at, updated_at, stage, trust, flags, judgement)
VALUES (:id, :space, :owner, :kind, :task_type, :project, :tags, :digest, :condition, :lesson, :slot, :gist, :author,
        :feedback, :at, :at, :stage, :trust, :flags, :judgement);

-- name: shift_trust
UPDATE items SET trust = :trust WHERE id = :id;

-- name: set_trust
UPDATE items SET trust = :trust, updated_at = max(updated_at, :at) WHERE id = :id;

-- name: set_stage
UPDATE items SET stage = iif(flags = '', :stage, 'provisional'), updated_at = max(updated_at, :at) WHERE id = :id;

-- name: bear_out_from
UPDATE items SET stage = iif(flags = '', :stage, 'provisional'), borne_from = :since WHERE id = :id;

-- name: count_verdicts
UPDATE items SET
    support       = (SELECT count(*) FROM verdicts v WHERE v.item = items.id AND v.direct AND v.sign > 0),
    contradiction = (SELECT count(*) FROM verdicts v WHERE v.item = items.id AND v.direct AND v.sign < 0),
    agents        = (SELECT count(DISTINCT v.agent) FROM verdicts v
                      WHERE v.item = items.id AND v.direct AND v.sign > 0),
    projects      = (SELECT count(DISTINCT v.project) FROM verdicts v
                      WHERE v.item = items.id AND v.direct AND v.sign > 0 AND v.project <> '')
 WHERE id = :id;

-- name: supersede
UPDATE items SET superseded_by = :successor, updated_at = max(updated_at, :at) WHERE id = :id;

-- name: add_conflict
INSERT INTO conflicts (item, other, feedback) VALUES (:item, :other, :feedback) ON CONFLICT DO NOTHING;

-- name: remove_conflict
DELETE FROM conflicts WHERE feedback = :feedback
   AND ((item = :item AND other = :other) OR (item = :other AND other = :item));

-- name: add_link
INSERT INTO links (item, other, plan) VALUES (:item, :other, :plan) ON CONFLICT DO NOTHING;

-- name: remove_link
DELETE FROM links WHERE plan = :plan
   AND ((item = :item AND other = :other) OR (item = :other AND other = :item));

-- name: remove_verdict
DELETE FROM verdicts WHERE item = :item AND source = :source;

-- name: put_verdict
INSERT INTO verdicts (item, source, agent, project, feedback, at, sign, direct, delta, implicit)
VALUES (:item, :source, :agent, :project, :feedback, :at, :sign, :direct, :delta, :implicit)
    ON CONFLICT (item, source) DO UPDATE SET
       feedback = excluded.feedback, at = excluded.at, sign = excluded.sign, direct = excluded.direct,
       delta = excluded.delta, implicit = excluded.implicit;

-- name: add_receipt
INSERT INTO receipts (id, store, at, agent, project, task_type, mode, shown, near, control, held_out)
VALUES (:id, :store, :at, :agent, :project, :task_type, :mode, :shown, :near, :control, :held_out);

-- name: ask
INSERT INTO questions (agent, gap, at) VALUES (:agent, :gap, :at) ON CONFLICT DO NOTHING RETURNING gap;

-- name: answer_receipt
UPDATE receipts SET answered_at = :at WHERE id = :id AND answered_at IS NULL;

-- name: remind
UPDATE receipts SET reminded_at = :at
 WHERE id IN (SELECT value FROM json_each(:receipts)) AND answered_at IS NULL AND reminded_at IS NULL
RETURNING id;

-- name: add_feedback
INSERT INTO feedback (id, at, agent, receipt, outcome, implicit, own, key, request, answer)
VALUES (:id, :at, :agent, :receipt, :outcome, :implicit, :own, :key, :request, :answer);

-- name: add_plan
INSERT INTO plans (id, at, agent, kind, items, applied_at)
VALUES (:id, :at, :agent, :kind, :items, :applied_at);

-- name: mark_plan
UPDATE plans SET items = :items, applied_at = :applied_at, undone_at = :undone_at WHERE id = :id;

-- name: prune_item
UPDATE items SET pruned_by = :plan, merged_into = :survivor WHERE id = :id;

-- name: take_room
INSERT INTO meta (key, value) VALUES ('room', hex(zeroblob(32768))) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: leave_room
DELETE FROM meta WHERE key = 'room';

-- name: end_rebuild
DELETE FROM meta WHERE key = 'rebuilding';

-- name: latest_time
SELECT at FROM events ORDER BY seq DESC LIMIT 1;
