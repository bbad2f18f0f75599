"""Joining: what items are to one another, and what consolidation does about it. Pure; acts are lines of a plan.

Only items that belong together are compared: same space and owner, in an agent's own space also the same sort of task.
Merged are surely equal lessons under surely equal conditions. Equal words under conditions that differ are cases of one
lesson: agents vote with them, and they are left alone. Conflicts are marked only under one condition.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, assert_never

from fleetlore.kmu.gist import gist
from fleetlore.kmu.lexicon import identifiers
from fleetlore.kmu.sameness import LEAST_COSINE, judge
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import Evidence, Item, PlannedItem, Stage

_EVEN_ODDS = 0.5
_MANY = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """What two items are to one another, and how sure that is in [0, 1]."""

    item: ItemId
    other: ItemId
    relation: Literal["same", "similar", "contradicting"]
    confidence: float


def comparable(one: Item, other: Item) -> bool:
    """Whether two items belong together."""
    sort = one.task_type == other.task_type or one.space == "general"
    return one.id != other.id and (one.space, one.owner) == (other.space, other.owner) and sort


def relate(one: Item, other: Item, *, conditions: float, insights: float) -> Relation | None:
    """What two comparable items are to one another; None for lessons of their own.

    `conditions` and `insights` are the cosines of the vectors of both.
    """
    if same_condition(one, other):
        judgement = judge(one.insight, other.insight, cosine=insights)
        if judgement.relation == "different":
            return None
        return Relation(
            item=one.id, other=other.id, relation=judgement.relation, confidence=round(judgement.confidence, 2)
        )
    if not may_be_linked(one, other) or min(conditions, insights) < LEAST_COSINE:
        return None
    under = judge(one.applies_when, other.applies_when, cosine=conditions)
    if under.relation != "similar":
        return None
    judgement = judge(one.insight, other.insight, cosine=insights)
    if judgement.relation not in ("same", "similar"):
        return None
    confidence = round(under.confidence * judgement.confidence, 2)
    return Relation(item=one.id, other=other.id, relation="similar", confidence=confidence)


def same_condition(one: Item, other: Item) -> bool:
    """Whether both hold under surely the same condition."""
    if one.condition == other.condition:
        return True
    essence = _gist(one.applies_when)
    return bool(essence) and essence == _gist(other.applies_when)


def may_be_linked(one: Item, other: Item) -> bool:
    """Whether two items under conditions that differ can be similar at all: other words, and no other exact names."""
    return one.lesson != other.lesson and _names(one.applies_when) == _names(other.applies_when)


def joined(
    relations: Iterable[Relation], items: Mapping[ItemId, Item], successors: Mapping[ItemId, ItemId]
) -> list[PlannedItem]:
    """What to do about relations: merges first, then how the rest stands to what is left.

    `items` are those that still live, `successors` whom any of them has superseded, by the superseded.
    """
    ordered = sorted(relations, key=_age)
    into: dict[ItemId, ItemId] = {}
    lines = []
    for relation in ordered:
        if relation.relation == "same" and (pair := _pair(relation, items, into)) and _mergeable(*pair):
            older, younger = pair
            into[younger.id] = older.id
            lines.append(_line("merge", younger, older, relation.confidence))
            lines += _inherited(older, younger, items, successors)
    seen = {frozenset((line.item, line.other)) for line in lines if line.act in ("link", "conflict")}
    for relation in ordered:
        pair = _pair(relation, items, into)
        if relation.relation == "same" or pair is None or (ends := frozenset(item.id for item in pair)) in seen:
            continue
        seen.add(ends)
        lines += _related(relation, *pair)
    return lines


def _related(relation: Relation, older: Item, younger: Item) -> list[PlannedItem]:
    match relation.relation:
        case "similar":
            if younger.id in older.similar_to:
                return []
            return [_line("link", younger, older, relation.confidence)]
        case "contradicting":
            if outdone(older, younger):
                return [decided(older, younger)]
            if younger.id in older.conflicts_with:
                return []
            return [_line("conflict", younger, older, relation.confidence)]
        case "same":
            return []
        case _:
            assert_never(relation.relation)


def outdone(older: Item, younger: Item) -> bool:
    """Whether, of two items that contradict each other, the younger has surely taken the older's place."""
    return has_lost_to(older.evidence, younger.evidence, younger.stage)


def has_lost_to(older: Evidence, younger: Evidence, stage: Stage) -> bool:
    """The same, of what outcomes say of both and the younger's stage."""
    lost = older.trust < _EVEN_ODDS and older.contradiction > 0
    borne_out = stage == "active" or younger.agents > max(older.agents, 1)
    return lost and borne_out and younger.trust > _EVEN_ODDS


def decided(older: Item, younger: Item) -> PlannedItem:
    """The line of a plan by which the younger takes the older's place."""
    because = f"{younger.id}, which contradicts it, is borne out; this one has lost trust"
    return PlannedItem(item=older.id, because=because, act="supersede", other=younger.id)


def _inherited(
    older: Item, younger: Item, items: Mapping[ItemId, Item], successors: Mapping[ItemId, ItemId]
) -> Sequence[PlannedItem]:
    """What stood to the younger item stands to the one that it is merged into."""
    lines = []
    for rival in younger.conflicts_with:
        if rival not in (older.id, *older.conflicts_with):
            lines.append(
                PlannedItem(item=older.id, because=f"{younger.id} was in conflict", act="conflict", other=rival)
            )
    for similar in younger.similar_to:
        if similar not in (older.id, *older.similar_to):
            lines.append(PlannedItem(item=older.id, because=f"{younger.id} was similar", act="link", other=similar))
    for predecessor, successor in successors.items():
        if successor == younger.id and predecessor != older.id:
            because = f"{younger.id} had superseded it"
            lines.append(PlannedItem(item=predecessor, because=because, act="supersede", other=older.id))
    return lines


def _mergeable(older: Item, younger: Item) -> bool:
    """Whether nothing is lost by it: the survivor must be found wherever the other was."""
    warning = (older.kind == "avoid") == (younger.kind == "avoid")
    marked = younger.id in older.conflicts_with
    return warning and not marked and set(younger.tags) <= set(older.tags)


def _pair(relation: Relation, items: Mapping[ItemId, Item], into: Mapping[ItemId, ItemId]) -> tuple[Item, Item] | None:
    """The two as they are by now, the older first; None where one is gone, superseded or held, or both are one."""
    one, other = (items.get(_followed(end, into)) for end in (relation.item, relation.other))
    if one is None or other is None or one.id == other.id:
        return None
    if one.superseded_by is not None or other.superseded_by is not None or one.flags or other.flags:
        return None
    return (one, other) if one.id < other.id else (other, one)


def _followed(item: ItemId, into: Mapping[ItemId, ItemId]) -> ItemId:
    while item in into:
        item = into[item]
    return item


def _line(act: Literal["merge", "link", "conflict"], item: Item, other: Item, confidence: float) -> PlannedItem:
    match act:
        case "merge":
            because = f"the same lesson as {other.id} in other words ({confidence})"
        case "link":
            because = f"near in meaning to {other.id} ({confidence}): the better one is shown"
        case "conflict":
            because = f"it contradicts {other.id} under the same condition ({confidence})"
        case _:
            assert_never(act)
    return PlannedItem(item=item.id, because=because, act=act, other=other.id)


def _age(relation: Relation) -> tuple[ItemId, ItemId]:
    """Oldest first, whichever way round a relation was found: ids sort by time."""
    older, younger = sorted((relation.item, relation.other))
    return younger, older


@lru_cache(maxsize=_MANY)
def _names(text: str) -> frozenset[str]:
    return identifiers(text)


@lru_cache(maxsize=_MANY)
def _gist(text: str) -> str:
    return gist(text)
