"""Retrieving: from a task to ranked items, a controller's word and a durable receipt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from heapq import nlargest
from typing import TYPE_CHECKING

from fleetlore.kmu.control import Control, control, states_of
from fleetlore.kmu.evidence import weight_of_evidence
from fleetlore.kmu.exploration import Exploration
from fleetlore.kmu.gaps import Gap
from fleetlore.kmu.lexicon import search_terms
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.question import Question, Retrieval
from fleetlore.kmu.ranking import Candidate, Ranked, candidates, nearest, rank, select
from fleetlore.kmu.screening import screen_question
from fleetlore.kmu.suspicion import gives_orders
from fleetlore.kmu.uplift import holds_out
from fleetlore.storage.errors import NotWritable
from fleetlore.storage.identifiers import ItemId, new_receipt_id
from fleetlore.storage.intake import follow_generation, search_latest
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import Factors, Item, Receipt, Shown, Space
from fleetlore.storage.search import Filter, Legs

if TYPE_CHECKING:
    from fleetlore.storage.spaces import KnowledgeSpaces

# On Banking77 streams 50 neighbours teach as much as 200, 30 nearly so.
NEAREST = 50
_LEAST_REACH = 60

Ranking = Callable[[Iterable[Candidate]], list[Ranked]]


async def retrieve(
    ledger: Ledger,
    spaces: KnowledgeSpaces,
    exploration: Exploration,
    question: Question,
    *,
    fits: Callable[[Retrieval], bool],
    policy: Policy,
) -> Retrieval:
    """Answers a question. `fits` says whether an answer is within the caller's budget; groups that are not stay out."""
    question = await screen_question(question)
    await follow_generation(ledger, spaces)
    experience = await ledger.read.experience()
    weight = weight_of_evidence(experience) if policy.learning else 0.0
    trusting = partial(rank, project=question.project, experience=experience, weight=weight)
    general, companions = await _general(ledger, spaces, question, trusting)
    own = await _own(ledger, spaces, question, trusting)
    if not question.held:
        general, own = ([entry for entry in entries if not entry.item.flags] for entries in (general, own))
        companions = {key: item for key, item in companions.items() if not item.flags}
    receipt = new_receipt_id(ledger.clock())
    held_out = holds_out(ledger.digest("hold out", receipt), policy.hold_out)
    groups = [] if held_out else select(general, own, companions, limit=question.limit)
    chosen = [entry for group in groups for entry in group]
    objections = await ledger.read.objections(entry.item.id for entry in chosen if entry.item.status == "contested")
    waiting, items = await ledger.read.waiting()
    states = states_of(chosen, experience, waiting=waiting, items=items)
    answer = Retrieval(
        receipt=receipt,
        control=control(chosen, states, experience, weight=weight, held_out=held_out),
        items=(),
        against={
            item: next((said.reasoning for said in all_said if said.reasoning and not gives_orders(said.reasoning)), "")
            for item, all_said in objections.items()
        },
        omitted=len(chosen),
        held_out=held_out,
        lacking=spaces.lacking,
    )
    whole = replace(answer, items=tuple(chosen), omitted=0)
    answer = whole if fits(whole) else _cut(answer, groups, fits)
    gap = await exploration.gap_for(question.task, agent=question.agent) if policy.explore and not held_out else None
    return await _with_receipt(ledger, question, answer, _nearest(general), gap, fits)


def _cut(answer: Retrieval, groups: Sequence[Sequence[Ranked]], fits: Callable[[Retrieval], bool]) -> Retrieval:
    """The best groups that fit."""
    for group in groups:
        longer = replace(answer, items=(*answer.items, *group), omitted=answer.omitted - len(group))
        if fits(longer):
            answer = longer
    return answer


async def _with_receipt(
    ledger: Ledger,
    question: Question,
    answer: Retrieval,
    near: tuple[tuple[ItemId, float], ...],
    gap: Gap | None,
    fits: Callable[[Retrieval], bool],
) -> Retrieval:
    """The answer, once its receipt is stored, and with it what the agent is asked, where a question fits."""
    assert answer.receipt is not None
    asking = replace(answer, control=replace(answer.control, question=gap.question)) if gap else answer
    asks = gap.id if gap and fits(asking) else ""
    receipt = Receipt(
        near=near,
        id=answer.receipt,
        at=ledger.clock(),
        agent=question.agent,
        project=question.project,
        task_type=question.task_type,
        task=question.task,
        mode=answer.control.mode,
        control=_kept(answer.control),
        shown=tuple(_line(entry) for entry in answer.items),
        held_out=answer.held_out,
    )
    try:
        asked = await ledger.write(lambda transaction: transaction.give_receipt(receipt, asks=asks))
    except NotWritable as refusal:
        return replace(answer, receipt=None, unrecorded=refusal.brief)
    return asking if asks and asked else answer


def _line(entry: Ranked) -> Shown:
    """What of an item is kept with the receipt: its score and what made it."""
    item = entry.item
    factors = Factors(
        trust=round(entry.trust, 4),
        agreement=round(entry.agreement, 4),
        discount=entry.discount,
        status=item.status,
        support=item.evidence.support,
        contradiction=item.evidence.contradiction,
    )
    return Shown(item=item.id, relevance=entry.relevance, score=entry.score, factors=factors)


def _kept(word: Control) -> dict[str, object]:
    """What of the controller's word is kept with the receipt: states, actions and which led to which."""
    states = asdict(word.states) | {"prospect": round(word.states.prospect, 3)}
    return {"states": states, "expected": word.expected, "weight": word.weight, "because": word.because}


def _nearest(ranked: Sequence[Ranked]) -> tuple[tuple[ItemId, float], ...]:
    best = nlargest(NEAREST, ranked, key=lambda entry: entry.relevance)
    return tuple((entry.item.id, entry.relevance) for entry in best)


async def _general(
    ledger: Ledger, spaces: KnowledgeSpaces, question: Question, ranking: Ranking
) -> tuple[list[Ranked], dict[ItemId, Item]]:
    """What the fleet knows, ranked, and the successors and rivals of it that were not found themselves."""
    legs = await _search(ledger, spaces, "general", question, Filter(tags=question.tags))
    relevant = nearest(question.task, legs, _reach(question))
    items = await ledger.read.items(relevant, agent=question.agent)
    ranked = ranking(candidates(question.task, legs, relevant, items))
    found = [entry.item for entry in ranked]
    wanted = {other for item in found for other in item.conflicts_with}
    wanted |= {item.superseded_by for item in found if item.superseded_by is not None}
    missing = wanted - {item.id for item in found}
    companions = await ledger.read.items(missing, agent=question.agent) if missing else {}
    return ranked, {key: item for key, item in companions.items() if set(question.tags) <= set(item.tags)}


async def _own(ledger: Ledger, spaces: KnowledgeSpaces, question: Question, ranking: Ranking) -> Sequence[Ranked]:
    """The agent's own items: all of this sort of task, or, where none is named, those that are relevant."""
    if not await ledger.read.own_items(question.agent):
        return []
    where = Filter(owner=question.agent, task_type=question.task_type, tags=question.tags)
    legs = await _search(ledger, spaces, "prompt", question, where)
    relevant = nearest(question.task, legs, _reach(question))
    items = await ledger.read.items(relevant, agent=question.agent)
    if not question.task_type:
        return ranking(candidates(question.task, legs, relevant, items))
    found = [
        Candidate(item=items[item], relevance=relevance, similarity=max(legs.vector.get(item, 0.0), 0.0))
        for item, relevance in relevant.items()
        if item in items
    ]
    return ranking(found)


def _reach(question: Question) -> int:
    """How many of what the legs found are looked at."""
    return max(_LEAST_REACH, 3 * question.limit)


async def _search(ledger: Ledger, spaces: KnowledgeSpaces, space: Space, question: Question, where: Filter) -> Legs:
    [vector] = spaces.embedder.embed([question.task])
    return await search_latest(ledger, spaces, space, text=search_terms(question.task), vector=vector, where=where)
