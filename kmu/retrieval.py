"""Retrieving: from a task to ranked items, a controller's word and a durable receipt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from heapq import nlargest

from fleetlore.kmu.control import Control, control, states_of
from fleetlore.kmu.evidence import weight_of_evidence
from fleetlore.kmu.exploration import Exploration, unasked
from fleetlore.kmu.gaps import Gap
from fleetlore.kmu.lexicon import search_terms
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.question import Question, Retrieval
from fleetlore.kmu.ranking import LEAST_LIKENESS, Candidate, Ranked, candidates, nearest, rank, select
from fleetlore.kmu.screening import screen_question
from fleetlore.kmu.suspicion import gives_orders
from fleetlore.kmu.uplift import holds_out
from fleetlore.storage.errors import NotWritable
from fleetlore.storage.identifiers import ItemId, new_receipt_id
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import Factors, Item, Outline, Receipt, Shown, Space
from fleetlore.storage.search import Filter, Legs
from fleetlore.storage.searching import Searches

# On Banking77 streams 50 neighbours teach as much as 200, 30 nearly so.
NEAREST = 50
_LEAST_REACH = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class _Weighed:
    """What the ledger knows of what the legs found: the answer, unless it is too long, in groups, and what goes along.

    `near` is what the receipt keeps of everything that was found.
    """

    groups: Sequence[Sequence[Ranked[Item]]]
    against: dict[ItemId, str]
    control: Control
    near: tuple[tuple[ItemId, float], ...]
    gap: Gap | None


async def retrieve(
    ledger: Ledger,
    searches: Searches,
    exploration: Exploration,
    question: Question,
    *,
    fits: Callable[[Retrieval], bool],
    policy: Policy,
) -> Retrieval:
    """Answers a question. `fits` says whether an answer is within the caller's budget; groups that are not stay out."""
    question = await screen_question(question)
    wanted: dict[Space, Filter] = {
        "general": Filter(tags=question.tags),
        "prompt": Filter(owner=question.agent, task_type=question.task_type, tags=question.tags),
    }
    found = await searches.search(wanted, task=question.task, terms=search_terms(question.task))
    receipt = new_receipt_id(ledger.clock())
    held_out = holds_out(ledger.digest("hold out", receipt), policy.hold_out)
    gap = exploration.gap_near(question.task, found.vector) if policy.explore and not held_out else None
    weighed = await ledger.snapshot(
        lambda view: _weighed(view, question, found.legs, gap=gap, held_out=held_out, learning=policy.learning)
    )
    chosen = [entry for group in weighed.groups for entry in group]
    answer = Retrieval(
        receipt=receipt,
        control=weighed.control,
        items=(),
        against=weighed.against,
        omitted=len(chosen),
        held_out=held_out,
        lacking=found.lacking,
    )
    whole = replace(answer, items=tuple(chosen), omitted=0)
    answer = whole if fits(whole) else _cut(answer, weighed.groups, fits)
    return await _with_receipt(ledger, question, answer, weighed.near, weighed.gap, fits)


async def _weighed(
    view: LedgerView,
    question: Question,
    legs: Mapping[Space, Legs],
    *,
    gap: Gap | None,
    held_out: bool,
    learning: bool,
) -> _Weighed:
    """Weighs what the legs found, from one state of the ledger."""
    experience = await view.experience()
    weight = weight_of_evidence(experience) if learning else 0.0
    ranking = partial(rank, project=question.project, experience=experience, weight=weight)
    ranked = ranking(await _found(view, question, legs["general"]))
    companions = await _companions(view, question, ranked)
    filed = bool(question.task_type)
    owned = ranking(await _found(view, question, legs["prompt"], filed=filed)) if "prompt" in legs else []
    if not question.held:
        ranked, owned = ([entry for entry in entries if not entry.item.flags] for entries in (ranked, owned))
        companions = {key: item for key, item in companions.items() if not item.flags}
    groups = [] if held_out else select(ranked, owned, companions, limit=question.limit)
    items = await view.items([entry.item.id for group in groups for entry in group], agent=question.agent)
    whole = [[entry.with_item(items[entry.item.id]) for entry in group] for group in groups]
    chosen = [entry for group in whole for entry in group]
    objections = await view.objections([entry.item.id for entry in chosen if entry.item.status == "contested"])
    waiting, stored = await view.waiting()
    states = states_of(chosen, experience, waiting=waiting, items=stored)
    return _Weighed(
        groups=whole,
        against={
            item: next((said.reasoning for said in all_said if said.reasoning and not gives_orders(said.reasoning)), "")
            for item, all_said in objections.items()
        },
        control=control(chosen, states, experience, weight=weight, held_out=held_out),
        near=_nearest(ranked),
        gap=await unasked(view, gap, question.task, question.agent) if gap else None,
    )


def _cut(answer: Retrieval, groups: Sequence[Sequence[Ranked[Item]]], fits: Callable[[Retrieval], bool]) -> Retrieval:
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


def _line(entry: Ranked[Item]) -> Shown:
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


def _nearest(ranked: Sequence[Ranked[Outline]]) -> tuple[tuple[ItemId, float], ...]:
    best = nlargest(NEAREST, ranked, key=lambda entry: entry.relevance)
    return tuple((entry.item.id, entry.relevance) for entry in best)


async def _found(view: LedgerView, question: Question, legs: Legs, *, filed: bool = False) -> list[Candidate[Outline]]:
    """What the legs found and the agent may see: what is relevant, or all, where `filed` under its sort."""
    relevant = nearest(question.task, legs, max(_LEAST_REACH, 3 * question.limit))
    unlike = [] if filed else [item for item in relevant if legs.vector.get(item, 0.0) < LEAST_LIKENESS]
    items = await view.outlines(relevant, agent=question.agent, worded=unlike)
    if not filed:
        return candidates(question.task, legs, relevant, items)
    return [
        Candidate(item=items[item], relevance=relevance, similarity=max(legs.vector.get(item, 0.0), 0.0))
        for item, relevance in relevant.items()
        if item in items
    ]


async def _companions(view: LedgerView, question: Question, ranked: Sequence[Ranked[Outline]]) -> dict[ItemId, Outline]:
    """The successors and rivals of what was found that were not found themselves."""
    found = [entry.item for entry in ranked]
    wanted = {other for item in found for other in item.conflicts_with}
    wanted |= {item.superseded_by for item in found if item.superseded_by is not None}
    companions = await view.outlines(wanted - {item.id for item in found}, agent=question.agent)
    return {key: item for key, item in companions.items() if set(question.tags) <= set(item.tags)}
