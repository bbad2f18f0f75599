"""Forgetting: a plan is shown, applied exactly as shown, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fleetlore.kmu import evidence
from fleetlore.kmu.crediting import restage
from fleetlore.kmu.pruning import PrunePolicy, planned
from fleetlore.kmu.wish import Pruning, Wish
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import PlanId, new_plan_id
from fleetlore.storage.ledger import Ledger, LedgerTransaction
from fleetlore.storage.reconciliation import align
from fleetlore.storage.records import SPACES, AgentName, Item, Plan, PlannedItem, Space, Stage

if TYPE_CHECKING:
    from fleetlore.storage.spaces import KnowledgeSpaces


async def plan(ledger: Ledger, wish: Wish, *, policy: PrunePolicy) -> Pruning:
    """Makes a plan and stores it; nothing is pruned yet. Takes at most what one plan may take of each space."""
    chosen = await _chosen(ledger, wish, policy)
    objections = await ledger.read.objections(item.id for item in chosen)
    made = Plan(
        id=new_plan_id(ledger.clock()),
        at=ledger.clock(),
        agent=wish.agent,
        reason=wish.reason,
        items=tuple(planned(item, objections, wish.reason) for item in chosen),
    )
    await ledger.write(lambda transaction: transaction.add_plan(made))
    return await _shown(ledger, made)


async def show(ledger: Ledger, plan_id: PlanId, *, agent: AgentName) -> Pruning:
    """A plan as it was made."""
    return await _shown(ledger, await _known(ledger, plan_id, agent))


async def apply(ledger: Ledger, spaces: KnowledgeSpaces, plan_id: PlanId, *, agent: AgentName) -> Pruning:
    """Prunes exactly what the plan says; once applied, applying it again changes nothing."""
    known = await _known(ledger, plan_id, agent)
    if known.undone_at is not None:
        raise Refusal("plan", f"{plan_id} was undone", "Make a new plan by calling prune without plan")

    async def prune(transaction: LedgerTransaction) -> Plan:
        current = await transaction.plan(plan_id) or known
        if current.applied_at is not None:
            return current
        items = await transaction.items([entry.item for entry in current.items], agent=agent)
        for item in items:
            await transaction.set_pruned(item, plan_id)
            await transaction.record("pruned", agent=agent, subject=item, plan=plan_id)
        applied = replace(
            current,
            applied_at=transaction.now,
            items=tuple(_as_it_was(entry, items.get(entry.item)) for entry in current.items),
        )
        await transaction.mark_plan(applied)
        await transaction.record("plan applied", agent=agent, subject=plan_id, items=list(items))
        return applied

    applied = await ledger.write(prune)
    return await _follow(ledger, spaces, applied)


async def undo(ledger: Ledger, spaces: KnowledgeSpaces, plan_id: PlanId, *, agent: AgentName, required: int) -> Pruning:
    """Brings back what a plan took, as it was before, plus what came since; undoing twice changes nothing.

    `required` is how many other agents must bear an item out before it is active.
    """
    known = await _known(ledger, plan_id, agent, argument="undo")
    if known.applied_at is None:
        raise Refusal("undo", f"{plan_id} was never applied", "There is nothing to take back")

    async def bring_back(transaction: LedgerTransaction) -> Plan:
        current = await transaction.plan(plan_id) or known
        if current.undone_at is not None:
            return current
        items = await transaction.items([entry.item for entry in current.items], agent=agent, pruned=True)
        for entry in current.items:
            item = items.get(entry.item)
            if item is None or entry.stage is None:
                continue
            if item.pruned_by == plan_id:
                await transaction.set_pruned(item.id, None)
            elif item.pruned_by is None:
                await _unite(transaction, item, entry, plan_id, required)
            await transaction.record("restored", agent=agent, subject=item.id, plan=plan_id)
        undone = replace(current, undone_at=transaction.now)
        await transaction.mark_plan(undone)
        await transaction.record("plan undone", agent=agent, subject=plan_id)
        return undone

    undone = await ledger.write(bring_back)
    return await _follow(ledger, spaces, undone)


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


async def _chosen(ledger: Ledger, wish: Wish, policy: PrunePolicy) -> Sequence[Item]:
    most = {space: policy.most(await ledger.read.count(space)) for space in SPACES}
    if not wish.ids:
        found = await ledger.read.prunable(
            space=wish.space, agent=wish.agent, trust=policy.trust, contradictions=policy.contradictions
        )
        return [item for space in SPACES for item in _of(space, found)[: most[space]]]
    items = await ledger.read.items(wish.ids, agent=wish.agent)
    for item_id in wish.ids:
        if item_id not in items:
            raise Refusal("ids", f"there is no item {item_id}", "Use the ids (k_…) of a retrieval")
        if wish.space not in ("all", items[item_id].space):
            raise Refusal("ids", f"{item_id} is not in the {wish.space} space", "Leave space out")
    for space in SPACES:
        if len(_of(space, items.values())) > most[space]:
            raise Refusal(
                "ids",
                f"one plan takes at most {most[space]} items of the {space} space",
                "Prune in several plans, or use 'fleetlore prune'",
            )
    return list(items.values())


def _of(space: Space, items: Iterable[Item]) -> list[Item]:
    return [item for item in items if item.space == space]


async def _known(ledger: Ledger, plan_id: PlanId, agent: AgentName, argument: str = "plan") -> Plan:
    found = await ledger.read.plan(plan_id)
    if found is None:
        raise Refusal(argument, f"there is no plan {plan_id}", "Use the plan (p_…) that an earlier call returned")
    visible = await ledger.read.items([entry.item for entry in found.items], agent=agent, pruned=True)
    if len(visible) < len(found.items):
        raise Refusal(argument, f"{plan_id} concerns items of another agent", "Only that agent can use it")
    return found


async def _follow(ledger: Ledger, spaces: KnowledgeSpaces, changed: Plan) -> Pruning:
    """The spaces follow what the ledger has committed."""
    pruning = await _shown(ledger, changed)
    for space in SPACES:
        await align(ledger, spaces, space, [item.id for item in _of(space, pruning.items.values())])
    return pruning


async def _shown(ledger: Ledger, made: Plan) -> Pruning:
    # A stored plan names only items that its maker may see; `_known` has checked that for anybody else.
    items = await ledger.read.items([entry.item for entry in made.items], agent=made.agent, pruned=True)
    living = [await ledger.read.count(space) for space in SPACES]
    touched = sum(item.pruned_by is None for item in items.values())
    return Pruning(plan=made, items=items, kept=sum(living) - touched)


def _as_it_was(entry: PlannedItem, item: Item | None) -> PlannedItem:
    return entry if item is None else replace(entry, stage=item.stage, trust=item.evidence.trust)
