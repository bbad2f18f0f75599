"""Consolidation, the fleet's sleep: what came since the last pass is joined with what is known, in short slices.

A slice looks at a few new items and their nearest neighbours, and commits what it does, as one plan that can be undone,
together with how far it has come: a process may die at any point and the next one goes on from there. A slice is
bounded in time and lets others run between items. After the last comes what evidence has overtaken (`settling`).
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from fleetlore.kmu.acts import perform
from fleetlore.kmu.joining import Relation, comparable, joined, may_be_linked, relate, same_condition
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.sameness import LEAST_COSINE
from fleetlore.kmu.settling import settle
from fleetlore.storage.backlog import Arrival
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.ledger import Ledger, LedgerTransaction
from fleetlore.storage.reconciliation import take_in
from fleetlore.storage.records import ITSELF, AgentName, Item, Plan, Space
from fleetlore.storage.search import Filter
from fleetlore.storage.searching import ready

if TYPE_CHECKING:
    from fleetlore.storage.embedding import Vectors
    from fleetlore.storage.spaces import KnowledgeSpaces

SLICE_SECONDS = 0.05
# New items that a slice asks for: more would keep the processor busy for longer than a retrieval should wait.
_LEAST, _A_SECOND = 4, 160
_NEIGHBOURS = 24
# Of vectors made of condition and insight; two values of one name under the same words are .9 and more.
_NEAR = 0.85


@dataclass(slots=True)
class Consolidated:
    """What a pass did: how many items it looked at, its plans, its acts by name."""

    looked: int = 0
    plans: list[Plan] = field(default_factory=list)
    acts: Counter[str] = field(default_factory=Counter)

    def add(self, plan: Plan) -> None:
        """Counts one more plan."""
        self.plans.append(plan)
        self.acts.update(line.act for line in plan.items)


async def consolidate(
    ledger: Ledger,
    spaces: KnowledgeSpaces,
    policy: Policy,
    *,
    slice_seconds: float = SLICE_SECONDS,
    most_seconds: float = math.inf,
    rest: float = 1.0,
    monotonic: Callable[[], float] = time.monotonic,
    progress: Callable[[int], None] = lambda looked: None,
) -> Consolidated:
    """Makes a pass; whoever calls holds the maintenance lock. May be cancelled: what is committed is whole.

    After a slice it rests for as long, times `rest`. `progress` is told how many items were looked at. After
    `most_seconds` it stops where it is, for the next pass to go on. Without learning nothing is done.
    """
    done = Consolidated()
    if not policy.learning:
        return done
    deadline = monotonic() + most_seconds
    await take_in(ledger, spaces)
    count = max(_LEAST, round(_A_SECOND * slice_seconds))
    while arrivals := await ledger.read.arrivals(count):
        began = monotonic()
        relations, reached = await _judged(ledger, spaces, arrivals, monotonic, slice_seconds)
        for plan in await _committed(ledger, reached, relations, policy):
            done.add(plan)
        done.looked += len(reached)
        progress(done.looked)
        await anyio.sleep(rest * (monotonic() - began))
        if monotonic() >= deadline:
            return done
    async for plans in settle(ledger, policy, agent=ITSELF):
        for plan in plans:
            done.add(plan)
    await ledger.write(lambda transaction: transaction.end_consolidation())
    return done


async def _judged(
    ledger: Ledger,
    spaces: KnowledgeSpaces,
    arrivals: Sequence[Arrival],
    monotonic: Callable[[], float],
    seconds: float,
) -> tuple[list[Relation], list[Arrival]]:
    """How new items stand to their neighbours, and those that were looked at: at least one, in about that time.

    Only judging counts, which lets nobody else run; a search does.
    """
    near: dict[ItemId, list[ItemId]] = {}
    items: dict[ItemId, Item] = {}
    for (space, owner, task_type), group in _together(arrivals).items():
        indexed = await ledger.read.living_among(space, [arrival.id for arrival in group])
        where = Filter(owner=owner, task_type=task_type)
        await ready(ledger, spaces)
        for one, found in (await spaces.nearest_to_many(space, indexed, limit=_NEIGHBOURS, where=where)).items():
            near[one] = [other for other, cosine in found.items() if cosine >= _NEAR]
        wanted = {end for item in indexed if near[item.id] for end in (item.id, *near[item.id])}
        items |= await ledger.read.items(wanted, agent=owner)
    relations: list[Relation] = []
    reached: list[Arrival] = []
    spent = 0.0
    for arrival in arrivals:
        if reached and spent >= seconds:
            break
        reached.append(arrival)
        item = items.get(arrival.id)
        if item is not None:
            began = monotonic()
            others = [items[other] for other in near[item.id] if other in items]
            relations += _related(spaces, item, [other for other in others if comparable(item, other)])
            spent += monotonic() - began
            await anyio.lowlevel.checkpoint()
    return relations, reached


def _together(arrivals: Iterable[Arrival]) -> Mapping[tuple[Space, str, str], list[Arrival]]:
    """Living arrivals by where they belong."""
    groups: dict[tuple[Space, str, str], list[Arrival]] = {}
    for arrival in arrivals:
        if arrival.living:
            sort = arrival.task_type if arrival.space == "prompt" else ""
            groups.setdefault((arrival.space, arrival.owner, sort), []).append(arrival)
    return groups


def _related(spaces: KnowledgeSpaces, item: Item, others: Sequence[Item]) -> list[Relation]:
    conditions = {other.id: 1.0 for other in others if same_condition(item, other)}
    apart = [other for other in others if other.id not in conditions and may_be_linked(item, other)]
    found = _cosines(spaces, item.applies_when, [other.applies_when for other in apart])
    conditions |= {other.id: cosine for other, cosine in zip(apart, found, strict=True) if cosine >= LEAST_COSINE}
    left = [other for other in others if other.id in conditions]
    insights = _cosines(spaces, item.insight, [other.insight for other in left])
    relations = [
        relate(item, other, conditions=conditions[other.id], insights=cosine)
        for other, cosine in zip(left, insights, strict=True)
    ]
    return [relation for relation in relations if relation is not None]


def _cosines(spaces: KnowledgeSpaces, text: str, others: Sequence[str]) -> list[float]:
    """Of a text with each of the others."""
    if not others:
        return []
    vectors: Vectors = spaces.embedder.embed([text, *others])
    return [float(cosine) for cosine in vectors[1:] @ vectors[0]]


async def _committed(
    ledger: Ledger, reached: Sequence[Arrival], relations: Sequence[Relation], policy: Policy
) -> list[Plan]:
    """Does what is to be done about these relations, and moves on; nothing if somebody else has been here meanwhile."""
    owners = {arrival.id: arrival.owner for arrival in reached}
    parts: dict[str, list[Relation]] = {}
    for relation in relations:
        parts.setdefault(owners[relation.item], []).append(relation)

    async def join(transaction: LedgerTransaction) -> list[Plan]:
        first = await transaction.arrivals(1)
        if not first or first[0].seq != reached[0].seq:
            return []
        plans = []
        for owner, part in parts.items():
            agent = AgentName(owner) if owner else ITSELF
            ids = {end for relation in part for end in (relation.item, relation.other)}
            lines = joined(part, await transaction.items(ids, agent=agent), await transaction.predecessors(ids))
            plans += await perform(transaction, lines, agent=agent, required=policy.promote_after)
        await transaction.set_consolidated(reached[-1].seq)
        return plans

    return await ledger.write(join)
