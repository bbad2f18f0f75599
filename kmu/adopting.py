"""Adopting: items that were borne out elsewhere are taken in with their evidence, as one plan that can be taken back.

What is known here, by its id or by its words, stays as it is. The ledger commits first; the spaces follow, and what a
crash leaves between the two is mended by the next reconciliation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fleetlore.kmu.alignment import sameness
from fleetlore.kmu.digests import digests_of
from fleetlore.kmu.screening import screen_dossier
from fleetlore.kmu.suspicion import JUDGEMENT, flags_of
from fleetlore.storage.dossiers import Dossier, Standing, Statement
from fleetlore.storage.records import AgentName, Item, Plan, PlannedItem

if TYPE_CHECKING:
    from fleetlore.kmu.submission import Draft
    from fleetlore.storage.identifiers import FeedbackId, ItemId, PlanId
    from fleetlore.storage.ledger import Ledger, LedgerTransaction
    from fleetlore.storage.ledger_view import LedgerView


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """It is new here; `returned` if an import that was taken back had brought it before."""

    returned: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """It is here already, as this item, or as one that says the same in other words."""

    item: ItemId
    reworded: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgotten:
    """It was here and a plan has taken it away, or erased it for good."""

    item: ItemId
    plan: PlanId
    erased: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Disputed:
    """It cannot be as it says: what it names is something else here."""

    because: str


Standpoint = Taken | Known | Forgotten | Disputed


def digested(ledger: Ledger, dossier: Dossier) -> tuple[Dossier, int]:
    """The dossier without secrets, with the digests that its words have in this store, and what is suspicious in them.

    Returns also how many secrets it had.
    """
    dossier, redacted = screen_dossier(dossier)
    item = dossier.item
    insight, condition, task_type = sameness(item.space, item.insight, item.applies_when, item.task_type)
    digests = digests_of(ledger.info, insight, condition, task_type, item.insight)
    reasoning = next((one.reasoning for one in dossier.statements if one.id == item.feedback), "")
    flags = flags_of(item.insight, item.applies_when, item.task_type, item.project, *item.tags, beside=reasoning)
    return replace(dossier, item=replace(item, flags=flags, **digests)), redacted


async def recognise(view: LedgerView, drafts: Sequence[Draft]) -> list[Known | Forgotten | None]:
    """Of lessons for the general space, which are known here or were pruned; None is one to be learnt.

    What an import brought that was taken back may be learnt again.
    """
    standing = await view.standing(
        digests=[draft.digest for draft in drafts], gists=[draft.gist for draft in drafts], agent=""
    )
    survivors = await view.survivors(one.id for one in standing if one.merged)
    by_words = {one.digest: one for one in standing}
    by_gist = {one.gist: one.id for one in reversed(standing) if one.pruned_by is None}
    found: list[Known | Forgotten | None] = []
    for draft in drafts:
        same = by_words.get(draft.digest)
        if same is not None:
            judged = _of(same, survivors)
            found.append(judged if not isinstance(judged, Taken) else None)
        else:
            alike = by_gist.get(draft.gist) if draft.gist else None
            found.append(Known(item=alike, reworded=True) if alike else None)
    return found


async def judge(view: LedgerView, dossiers: Sequence[Dossier], *, agent: AgentName) -> list[Standpoint]:
    """What each of the dossiers, with this store's digests, is to what is known; of two equal ones the first counts."""
    named = {reference for dossier in dossiers for reference in _named(dossier)}
    standing = await view.standing(ids=named, digests=[dossier.item.digest for dossier in dossiers], agent=agent)
    survivors = await view.survivors(one.id for one in standing if one.merged)
    by_id = {one.id: one for one in standing}
    by_words = {(one.space, one.owner, one.digest): one for one in standing}
    statements = await view.statements({one.id for dossier in dossiers for one in dossier.statements})
    found: list[Standpoint] = []
    for dossier in dossiers:
        item = dossier.item
        words = (item.space, item.owner, item.digest)
        here = by_id.get(item.id) or by_words.get(words)
        judged: Standpoint | None = _misplaced(dossier, by_id)
        judged = judged or (_of(here, survivors, item.id) if here else _contradicted(dossier, statements))
        found.append(judged or Taken())
        if judged is None:
            by_id[item.id] = by_words[words] = Standing(
                id=item.id, space=item.space, owner=item.owner, digest=item.digest, gist=item.gist
            )
            statements |= {one.id: one for one in dossier.statements}
    return found


async def adopt(
    ledger: Ledger,
    dossiers: Sequence[Dossier],
    lines: Mapping[ItemId, PlannedItem],
    plan: Plan,
) -> tuple[list[Standpoint], Plan]:
    """Takes in what is new of these dossiers; returns what each was, and the plan with what was taken in."""

    async def commit(transaction: LedgerTransaction) -> tuple[list[Standpoint], Plan]:
        found = await judge(transaction, dossiers, agent=plan.agent)
        new = [one for one, judged in zip(dossiers, found, strict=True) if judged == Taken()]
        again = [one.item.id for one, judged in zip(dossiers, found, strict=True) if judged == Taken(returned=True)]
        await transaction.adopt(new, plan.id, judgement=JUDGEMENT)
        for item in again:
            await transaction.set_pruned(item, None)
        for dossier, judged in zip(dossiers, found, strict=True):
            if isinstance(judged, Known) and judged.item != dossier.item.id:
                await transaction.stand_in(dossier.item.id, judged.item)
        added = [dossier.item.id for dossier in new] + again
        for item in added:
            await transaction.record("imported", agent=plan.agent, subject=item, plan=plan.id)
        return found, await extend(transaction, plan, [lines[item] for item in added])

    return await ledger.write(commit)


async def extend(transaction: LedgerTransaction, plan: Plan, lines: Iterable[PlannedItem]) -> Plan:
    """The plan of an import with more lines, stored; an import that adds nothing leaves no plan."""
    extended = replace(plan, items=(*plan.items, *lines), applied_at=plan.applied_at or transaction.now)
    if not plan.items and extended.items:
        await transaction.saw(plan.agent)
        await transaction.add_plan(extended)
    elif len(extended.items) > len(plan.items):
        await transaction.mark_plan(extended)
    return extended


def _named(dossier: Dossier) -> list[ItemId]:
    item = dossier.item
    return [item.id, *dossier.conflicts, *([item.superseded_by] if item.superseded_by else [])]


def _misplaced(dossier: Dossier, by_id: Mapping[ItemId, Standing]) -> Disputed | None:
    """An item, or one that it names, that is in another space here."""
    for reference in _named(dossier):
        known = by_id.get(reference)
        if known is not None and (known.space, known.owner) != (dossier.item.space, dossier.item.owner):
            return Disputed(because=f"{reference} is an item of another space here")
    return None


def _of(here: Standing, survivors: Mapping[ItemId, ItemId], wanted: ItemId | None = None) -> Known | Forgotten | Taken:
    """What an item that is here already makes of one that comes; an undone import is as if it had not been.

    `wanted` is the id that the one that comes must keep.
    """
    if here.merged:
        return Known(item=survivors[here.id])
    if here.pruned_by is None:
        return Known(item=here.id)
    if here.plan_kind == "import" and wanted in (None, here.id):
        return Taken(returned=True)
    return Forgotten(item=here.id, plan=here.pruned_by, erased=here.plan_kind == "forget")


def _contradicted(dossier: Dossier, statements: Mapping[FeedbackId, Statement]) -> Disputed | None:
    """A report that is known here says here what it said, or is forged."""
    for statement in dossier.statements:
        if statements.get(statement.id, statement) != statement:
            return Disputed(because=f"the report {statement.id} says something else here")
    return None


def line_of(item: Item, because: str) -> PlannedItem:
    """The line of an import's plan for an item that it adds."""
    return PlannedItem(item=item.id, because=because, feedback=(item.feedback,), stage=item.stage, act="import")


def import_plan(plan: PlanId, ledger: Ledger, agent: AgentName, reason: str) -> Plan:
    """The plan of an import that has added nothing yet."""
    return Plan(id=plan, at=ledger.clock(), agent=agent, reason=reason, items=(), kind="import")
