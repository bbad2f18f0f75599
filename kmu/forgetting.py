"""Forgetting: a plan is shown, applied exactly as shown, and can be taken back, like a plan of any other kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from fleetlore.kmu import reinstating
from fleetlore.kmu.acts import carry_out, take_back
from fleetlore.kmu.pruning import PrunePolicy, planned
from fleetlore.kmu.screening import screen_wish
from fleetlore.kmu.wish import Pruning, Wish
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import PlanId, new_plan_id
from fleetlore.storage.ledger import Ledger, LedgerTransaction
from fleetlore.storage.records import SPACES, AgentName, Item, Plan, Space


async def plan(ledger: Ledger, wish: Wish, *, policy: PrunePolicy) -> Pruning:
    """Makes a plan and stores it; nothing is pruned yet. Takes at most what one plan may take of each space."""
    wish = await screen_wish(wish)
    chosen = await _chosen(ledger, wish, policy)
    objections = await ledger.read.objections([item.id for item in chosen])
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


async def apply(ledger: Ledger, plan_id: PlanId, *, agent: AgentName, required: int) -> Pruning:
    """Prunes exactly what the plan says; once applied, applying it again changes nothing."""
    known = await _known(ledger, plan_id, agent)
    if known.undone_at is not None:
        raise Refusal("plan", f"{plan_id} was undone", "Make a new plan by calling prune without plan")

    async def prune(transaction: LedgerTransaction) -> Plan:
        current = await transaction.plan(plan_id, agent=agent) or known
        if current.applied_at is not None:
            return current
        done = [
            line
            for entry in current.items
            for line in await carry_out(transaction, entry, plan_id, agent=agent, required=required)
        ]
        applied = replace(current, applied_at=transaction.now, items=tuple(done))
        await transaction.mark_plan(applied)
        pruned = [entry.item for entry in done if entry.stage is not None]
        await transaction.record("plan applied", agent=agent, subject=plan_id, items=pruned)
        return applied

    return await _shown(ledger, await ledger.write(prune))


async def undo(
    ledger: Ledger,
    plan_id: PlanId,
    *,
    agent: AgentName,
    required: int,
    seen_by: AgentName | None = None,
) -> Pruning:
    """Takes back what a plan of any kind did: items as they were, plus what came since; undoing twice changes nothing.

    `required` is how many other agents must bear an item out before it is active. A person may take back plans that
    concern another agent's own items, as those are `seen_by` it; what happened is `agent`'s doing all the same.
    """
    seen_by = seen_by or agent
    known = await _known(ledger, plan_id, seen_by, argument="undo")
    if known.kind == "forget":
        raise Refusal("undo", f"{plan_id} erased for good", "There is nothing left that could be taken back")
    if known.applied_at is None:
        raise Refusal("undo", f"{plan_id} was never applied", "There is nothing to take back")

    async def bring_back(transaction: LedgerTransaction) -> Plan:
        current = await transaction.plan(plan_id, agent=seen_by) or known
        if current.undone_at is not None:
            return current
        if current.kind == "revocation":
            await reinstating.take_back(transaction, current, by=agent, required=required)
        else:
            for entry in reversed(current.items):
                await take_back(transaction, entry, plan_id, agent=agent, seen_by=seen_by, required=required)
        undone = replace(current, undone_at=transaction.now)
        await transaction.mark_plan(undone)
        await transaction.record("plan undone", agent=agent, subject=plan_id)
        return undone

    return await _shown(ledger, await ledger.write(bring_back))


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
    found = await ledger.read.plan(plan_id, agent=agent)
    if found is None:
        raise Refusal(argument, f"there is no plan {plan_id}", "Use the plan (p_…) that an earlier call returned")
    return found


async def _shown(ledger: Ledger, made: Plan) -> Pruning:
    # A stored plan names only items that its maker may see; `_known` has checked that for anybody else.
    items = await ledger.read.items([entry.item for entry in made.items], agent=made.agent, pruned=True)
    living = [await ledger.read.count(space) for space in SPACES]
    touched = sum(item.pruned_by is None for item in items.values())
    return Pruning(plan=made, items=items, kept=sum(living) - touched)
