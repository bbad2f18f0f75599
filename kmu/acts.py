"""Acts: what a plan does to items, and how each is taken back, inside the ledger's transaction.

Every act is an event and a line of its plan; the line keeps what taking back needs.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from fleetlore.kmu import accepting, editing, evidence, lending
from fleetlore.kmu.crediting import restage
from fleetlore.storage.identifiers import ItemId, PlanId, new_plan_id
from fleetlore.storage.ledger import LedgerTransaction
from fleetlore.storage.records import AgentName, Item, Plan, PlannedItem, Stage


async def carry_out(
    transaction: LedgerTransaction, entry: PlannedItem, plan: PlanId, *, agent: AgentName, required: int
) -> list[PlannedItem]:
    """Does what the line says; returns it with what was there before, and a line for what followed from it.

    Nothing where an item is gone by now: then the line comes back as it was, without a stage, and undo passes it by.
    `required` is how many other agents must bear an item out before it is active.
    """
    named = [entry.item] if entry.other is None else [entry.item, entry.other]
    items = await transaction.items(named, agent=agent)
    if len(items) < len(named):
        return [entry]
    item = items[entry.item]
    done = replace(entry, stage=item.stage, trust=item.evidence.trust)
    match entry.act:
        case "prune":
            await transaction.set_pruned(item.id, plan)
            await transaction.record("pruned", agent=agent, subject=item.id, plan=plan)
        case "merge":
            assert entry.other is not None
            survivor = items[entry.other]
            lent = await lending.lend(transaction, item, survivor)
            await merge(transaction, item.id, survivor.id, plan, agent=agent)
            followed = await _restaged(transaction, survivor, plan, agent=agent, required=required)
            return [replace(done, lent=lent), *followed]
        case "link":
            assert entry.other is not None
            await transaction.add_link(item.id, entry.other, plan)
            await transaction.record("linked", agent=agent, subject=item.id, other=entry.other, plan=plan)
        case "conflict":
            assert entry.other is not None
            await transaction.add_conflict(item.id, entry.other, plan)
            await transaction.record("contested", agent=agent, subject=item.id, other=entry.other, plan=plan)
        case "supersede":
            assert entry.other is not None
            done = replace(done, successor=await transaction.successor(item.id))
            await transaction.supersede(item.id, entry.other, news=False)
            await transaction.record("superseded", agent=agent, subject=item.id, successor=entry.other, plan=plan)
        case "edit" | "accept" | "import" | "withdraw":
            return [entry]  # carried out where it is decided: more than its line says belongs to it
        case "promote" | "demote":
            return await _restaged(transaction, item, plan, agent=agent, required=required) or [entry]
        case _:
            assert_never(entry.act)
    return [done]


async def perform(
    transaction: LedgerTransaction, lines: Sequence[PlannedItem], *, agent: AgentName, required: int
) -> list[Plan]:
    """Carries out what consolidation decided, as one plan; no plan where nothing came of it."""
    plan = new_plan_id(transaction.now)
    done = [
        line
        for entry in lines
        for line in await carry_out(transaction, entry, plan, agent=agent, required=required)
        if line.stage is not None
    ]
    if not done:
        return []
    now = transaction.now
    made = Plan(
        id=plan, at=now, agent=agent, reason="consolidation", items=tuple(done), kind="consolidation", applied_at=now
    )
    await transaction.add_plan(made)
    await transaction.record("consolidated", agent=agent, subject=plan, acts=dict(Counter(line.act for line in done)))
    return [made]


async def merge(
    transaction: LedgerTransaction, item: ItemId, survivor: ItemId, plan: PlanId, *, agent: AgentName
) -> None:
    """Takes an item away that lives on in another."""
    await transaction.set_pruned(item, plan, survivor=survivor)
    await transaction.record("merged", agent=agent, subject=item, into=survivor, plan=plan)


async def take_back(  # noqa: PLR0912  a branch for each act
    transaction: LedgerTransaction,
    entry: PlannedItem,
    plan: PlanId,
    *,
    agent: AgentName,
    seen_by: AgentName,
    required: int,
) -> None:
    """Undoes what the line did, as far as it still stands; what came since stays. The last line first.

    `agent` does it; `seen_by` may see the item. One that was erased for good stays erased.
    """
    if entry.stage is None:
        return
    item = await transaction.item(entry.item, agent=seen_by, pruned=True)
    if item is None or item.erased:
        return
    match entry.act:
        case "prune":
            await _bring_back(transaction, item, entry, plan, required)
        case "merge":
            await _part(transaction, item, entry, plan, agent=agent, seen_by=seen_by, required=required)
        case "link":
            assert entry.other is not None
            await transaction.remove_link(item.id, entry.other, plan)
        case "conflict":
            assert entry.other is not None
            await transaction.remove_conflict(item.id, entry.other, plan)
        case "supersede":
            if await transaction.successor(item.id) == entry.other:
                await transaction.supersede(item.id, entry.successor, news=False)
        case "edit":
            await editing.take_back(transaction, item, plan, agent=agent)
            return
        case "accept":
            await accepting.take_back(transaction, item, plan, agent=agent)
            return
        case "promote" | "demote":
            held = bool(item.flags) and entry.stage == "active"
            if not held and item.stage == ("active" if entry.act == "promote" else "provisional"):
                await transaction.set_stage(item.id, entry.stage, news=False)
        case "import":
            if item.pruned_by is None:
                await transaction.set_pruned(item.id, plan)
                await transaction.record("pruned", agent=agent, subject=item.id, plan=plan)
            return
        case "withdraw":
            return  # a revocation is taken back as a whole
        case _:
            assert_never(entry.act)
    await transaction.record("restored", agent=agent, subject=item.id, act=entry.act, plan=plan)


def stage_change(item: ItemId, before: Stage, after: Stage) -> list[PlannedItem]:
    """The line of a plan for a change of stage that followed from another act; none where nothing changed."""
    if before == after:
        return []
    if after == "active":
        return [PlannedItem(item=item, because="other agents bear it out", stage=before, act="promote")]
    return [PlannedItem(item=item, because="as many speak against it as for it", stage=before, act="demote")]


async def _restaged(
    transaction: LedgerTransaction, item: Item, plan: PlanId, *, agent: AgentName, required: int
) -> list[PlannedItem]:
    now = await _restage_again(transaction, item.id, agent=agent, seen_by=agent, required=required)
    return stage_change(item.id, item.stage, now)


async def _restage_again(
    transaction: LedgerTransaction, item: ItemId, *, agent: AgentName, seen_by: AgentName, required: int
) -> Stage:
    """The stage that outcomes warrant by now."""
    found = (await transaction.items([item], agent=seen_by, pruned=True))[item]
    return await restage(transaction, found, trust=found.evidence.trust, agent=agent, required=required, news=False)


async def _bring_back(
    transaction: LedgerTransaction, item: Item, entry: PlannedItem, plan: PlanId, required: int
) -> None:
    if item.pruned_by == plan:
        await transaction.set_pruned(item.id, None)
    elif item.pruned_by is None:
        await _unite(transaction, item, entry, plan, required)


async def _part(
    transaction: LedgerTransaction,
    item: Item,
    entry: PlannedItem,
    plan: PlanId,
    *,
    agent: AgentName,
    seen_by: AgentName,
    required: int,
) -> None:
    """A wording becomes an item of its own again, and what it lent comes back to it."""
    if item.pruned_by == plan:
        await transaction.set_pruned(item.id, None)
        for holder in await lending.take_back(transaction, entry):
            await _restage_again(transaction, holder, agent=agent, seen_by=seen_by, required=required)


async def _unite(
    transaction: LedgerTransaction, item: Item, entry: PlannedItem, plan_id: PlanId, required: int
) -> None:
    """An item that came back by itself since: as it was before, plus what it gained or lost since its return."""
    returns = [
        event
        for event in await transaction.history(item.id)
        if event["kind"] == "returned" and event["plan"] == plan_id
    ]
    if not returns or entry.trust is None or entry.stage is None:
        return
    since = evidence.log_odds(item.evidence.trust) - evidence.log_odds(returns[-1]["trust"])
    trust = evidence.moved(entry.trust, since)
    await transaction.set_trust(item.id, trust)
    stage: Stage = "active" if item.stage == "active" else entry.stage
    await transaction.bear_out_again(item.id, stage)
    await restage(transaction, replace(item, stage=stage), trust=trust, agent=item.author, required=required)
