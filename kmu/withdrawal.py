"""What withdrawing an agent comes to: pure decisions over what the ledger holds and two retellings of it.

Trust, slip rates and experience move by the difference of the retellings; who an item belongs to, what stands against
it and what is left of it follow from what the others have said.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fleetlore.kmu.difference import experience_moved, slip_moved
from fleetlore.kmu.evidence import CONSTANTS, log_odds, moved
from fleetlore.kmu.promotion import stage_of
from fleetlore.kmu.pruning import PrunePolicy
from fleetlore.kmu.retelling import Retelling
from fleetlore.storage.identifiers import ItemId, PlanId
from fleetlore.storage.records import Act, AgentName, Experience, PlanKind, PlannedItem, Stage, Verdict
from fleetlore.storage.withdrawals import Bearing, Blame, Mark, Shift, Withdrawal


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What the ledger holds that an agent's withdrawal may touch.

    `verdicts` are those of everybody on the items that the agent spoke of, brought or took away; `wordings` what was
    merged into each that it brought. `away` are items that its own plans pruned, or consolidation against which it
    spoke. `silent` are agents that do not count either.
    """

    bearings: Mapping[ItemId, Bearing]
    spoken: Sequence[Verdict]
    brought: Sequence[ItemId]
    verdicts: Mapping[ItemId, Sequence[Verdict]]
    wordings: Mapping[ItemId, Sequence[tuple[ItemId, AgentName]]]
    away: Mapping[ItemId, tuple[PlanId, PlanKind]]
    marks_by: Sequence[Mark]
    marks_on: Sequence[Mark]
    predecessors: Mapping[ItemId, ItemId]
    blames: Sequence[Blame]
    slips: Mapping[AgentName, float]
    experience: Experience
    silent: Collection[AgentName] = ()


@dataclass(kw_only=True, slots=True)
class _Turn:
    """What becomes of one item, and why."""

    before: Bearing
    after: Bearing
    act: Act = "withdraw"
    other: ItemId | None = None
    lent: tuple[str, ...] = ()
    because: list[str] = field(default_factory=list)


def withdrawn(
    agent: AgentName,
    found: Found,
    told: Retelling,
    without: Retelling,
    *,
    plan: PlanId,
    required: int,
    policy: PrunePolicy,
) -> tuple[Withdrawal, list[PlannedItem]]:
    """All that changes, and the plan's lines: one for each item of which more is said than that it lies near."""
    turns = {
        item: _turned(item, before, agent, found, told, without, required)
        for item, before in found.bearings.items()
        if before.merged_into is None
    }
    given: list[Verdict] = []
    marks: list[Mark] = []
    for item in found.brought:
        if item in turns:
            _left_to_others(item, agent, found, turns, given, marks, plan)
    for item, (by, kind) in found.away.items():
        if (turn := turns.get(item)) is not None and turn.after.pruned_by == by:
            _bring_back(turn, agent, kind, _contradictions(found, item, agent), policy)
    for mark in found.marks_by:
        if (turn := turns.get(mark.item)) is not None:
            turn.because.append(f"it contradicts {mark.other} by {agent}'s word alone")
    changed = {item: turn for item, turn in turns.items() if turn.after != turn.before}
    blames_taken, blames_given = _blames(found, told, without)
    withdrawal = Withdrawal(
        agent=agent,
        shifts=tuple(Shift(item=item, before=turn.before, after=turn.after) for item, turn in changed.items()),
        verdicts_taken=tuple(found.spoken),
        verdicts_given=tuple(given),
        marks_taken=tuple(found.marks_by),
        marks_given=tuple(marks),
        blames_taken=blames_taken,
        blames_given=blames_given,
        slips=_slips(agent, found, told, without),
        experience=(found.experience, experience_moved(found.experience, told.experience, without.experience)),
    )
    lines = [_line(item, turn) for item, turn in turns.items() if turn.because]
    return withdrawal, sorted(lines, key=lambda line: _ORDER.index(line.act))


_ORDER: Sequence[Act] = ("prune", "demote", "merge", "promote", "withdraw")


def touched(told: Retelling, without: Retelling) -> set[ItemId]:
    """The items of which two retellings differ."""
    ids = told.store.items.keys() | without.store.items.keys()
    return {item for item in ids if _state(told, item) != _state(without, item)}


def _state(retelling: Retelling, item: ItemId) -> object:
    known = retelling.store.items.get(item)
    return known and (known.trust, known.stage, known.author, retelling.store.successors.get(item))


def _turned(
    item: ItemId,
    before: Bearing,
    agent: AgentName,
    found: Found,
    told: Retelling,
    without: Retelling,
    required: int,
) -> _Turn:
    """The item with its trust, stage and successor as if the agent had said nothing of it, or near it."""
    spoken = [verdict for verdict in found.verdicts.get(item, ()) if verdict.agent == agent]
    known, retold = told.store.items.get(item), without.store.items.get(item)
    if known is not None and retold is not None and not (known.imported and spoken):
        shift = log_odds(retold.trust) - log_odds(known.trust)
    else:
        shift = -sum(verdict.delta for verdict in spoken)
    trust = moved(before.trust, shift) if shift else before.trust
    if known is not None and retold is not None and known.stage == before.stage:
        stage = retold.stage
    else:
        stage = _stage(before, found.verdicts.get(item, ()), agent, trust, required) if spoken else before.stage
    turn = _Turn(before=before, after=replace(before, trust=trust, stage=stage))
    if before.superseded_by is not None and told.store.successors.get(item) == before.superseded_by:
        successor = without.store.successors.get(item)
        if successor != before.superseded_by:
            turn.after = replace(turn.after, superseded_by=successor)
            turn.because.append(f"by {agent}'s word alone {before.superseded_by} took its place")
    if spoken:
        signs = Counter("for" if verdict.sign > 0 else "against" for verdict in spoken if verdict.direct)
        words = " and ".join(f"{count} {sign} it" for sign, count in sorted(signs.items(), reverse=True))
        turn.because.append(f"{agent} reported {words}" if words else f"{agent} was shown it and told how it went")
    if stage != before.stage:
        turn.act = "promote" if stage == "active" else "demote"
        turn.because.append(f"without that it is {stage}")
    return turn


def _stage(before: Bearing, verdicts: Sequence[Verdict], agent: AgentName, trust: float, required: int) -> Stage:
    """The stage that what others say of it warrants; where the agent spoke for it, it must be borne out anew."""
    others = [verdict for verdict in verdicts if verdict.direct and verdict.agent != agent]
    heir = next((verdict.agent for verdict in others if verdict.sign > 0), agent)
    author = heir if before.author == agent else before.author
    signs = [*{verdict.agent: verdict.sign for verdict in others if verdict.agent != author}.values()]
    raised = any(verdict.direct and verdict.sign > 0 and verdict.agent == agent for verdict in verdicts)
    current: Stage = "provisional" if raised else before.stage
    return stage_of(current, backers=signs.count(1), objectors=signs.count(-1), trust=trust, required=required)


def _left_to_others(
    item: ItemId,
    agent: AgentName,
    found: Found,
    turns: dict[ItemId, _Turn],
    given: list[Verdict],
    marks: list[Mark],
    plan: PlanId,
) -> None:
    """What becomes of an item that the agent brought: it goes, or it is somebody else's who has found the same."""
    turn = turns[item]
    others = [
        verdict
        for verdict in found.verdicts.get(item, ())
        if verdict.agent != agent and verdict.agent not in found.silent
    ]
    backers = [verdict for verdict in others if verdict.direct and verdict.sign > 0]
    wording = next(
        (word for word, author in found.wordings.get(item, ()) if author != agent and author not in found.silent), None
    )
    if not backers:
        if turn.before.pruned_by is None:
            turn.act, turn.because = "prune", [f"only {agent} backs it"]
            turn.after = replace(turn.after, stage=turn.before.stage, pruned_by=plan)
        return
    if wording is None or wording not in found.bearings or turn.before.pruned_by is not None:
        heir = backers[0].agent
        turn.after = replace(turn.after, author=heir, feedback=backers[0].feedback)
        turn.because.append(f"{agent} brought it, and {heir} has found the same: it is {heir}'s now")
        return
    before = found.bearings[wording]
    turns[wording] = _Turn(
        before=before,
        after=replace(turn.after, author=before.author, feedback=before.feedback, pruned_by=None, merged_into=None),
        because=[f"{before.author}'s own words for what {agent} had brought"],
    )
    known = {verdict.source for verdict in found.verdicts.get(wording, ())}
    lent = [verdict for verdict in others if verdict.source not in known]
    given += [replace(verdict, item=wording) for verdict in lent]
    turn.act, turn.other, turn.lent = "merge", wording, tuple(verdict.source for verdict in lent)
    turn.because = [f"{before.author} said the same in words of its own, which stay in its place"]
    turn.after = replace(
        turn.before, trust=turn.after.trust, stage=turn.after.stage, pruned_by=plan, merged_into=wording
    )
    for mark in found.marks_on:
        if mark.item == item and mark not in found.marks_by:
            marks += [replace(mark, item=wording), Mark(item=mark.other, other=wording, feedback=mark.feedback)]
    for predecessor, successor in found.predecessors.items():
        if successor == item and (old := turns.get(predecessor)) and old.after.superseded_by == item:
            old.after = replace(old.after, superseded_by=wording)


def _bring_back(turn: _Turn, agent: AgentName, kind: PlanKind, contradictions: int, policy: PrunePolicy) -> None:
    """An item that the agent took away itself, or that without its word consolidation would have left."""
    forgettable = contradictions >= policy.contradictions and turn.after.trust < policy.trust
    if kind == "prune":
        why = f"{agent} pruned it"
    elif forgettable or turn.after.superseded_by is not None:
        return
    else:
        why = "consolidation pruned it on that word"
    turn.after = replace(turn.after, pruned_by=None)
    turn.because.append(f"{why}: it comes back")


def _contradictions(found: Found, item: ItemId, agent: AgentName) -> int:
    return sum(v.direct and v.sign < 0 and v.agent != agent for v in found.verdicts.get(item, ()))


def _blames(found: Found, told: Retelling, without: Retelling) -> tuple[tuple[Blame, ...], tuple[Blame, ...]]:
    """Blames that go, and those that come back as nobody bore the lesson out."""
    known, retold = _every_blame(told), _every_blame(without)
    actual = set(found.blames)
    taken = [blame for blame in found.blames if blame in known and blame not in retold]
    given = [blame for blame in retold if blame not in known and blame not in actual]
    held = {(blame.lesson, blame.agent) for blame in found.blames if blame not in taken}
    return tuple(taken), tuple(blame for blame in given if (blame.lesson, blame.agent) not in held)


def _every_blame(retelling: Retelling) -> dict[Blame, None]:
    return {
        Blame(lesson=lesson, agent=agent, feedback=feedback, at=at): None
        for lesson, blamers in retelling.blames.items()
        for agent, (feedback, at) in blamers.items()
    }


def _slips(agent: AgentName, found: Found, told: Retelling, without: Retelling) -> dict[AgentName, tuple[float, float]]:
    """Slip rates of others that were measured against what the agent had said."""
    changed = {}
    for other, slip in found.slips.items():
        before, after = (retelling.slips.get(other, CONSTANTS.slip) for retelling in (told, without))
        if before != after and other != agent:
            changed[other] = (slip, slip_moved(slip, before, after))
    return changed


def _line(item: ItemId, turn: _Turn) -> PlannedItem:
    moves = f"; trust {turn.before.trust:.2f} → {turn.after.trust:.2f}"
    shows = turn.act != "prune" and round(turn.before.trust, 2) != round(turn.after.trust, 2)
    return PlannedItem(
        item=item,
        because="; ".join(dict.fromkeys(turn.because)) + (moves if shows else ""),
        stage=turn.before.stage,
        trust=turn.before.trust,
        act=turn.act,
        other=turn.other,
        lent=turn.lent,
    )
