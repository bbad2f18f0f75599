"""Editing: a person words an item anew. Its evidence stays; the plan of the edit keeps the old words, for undo."""

from __future__ import annotations

from fleetlore.kmu.alignment import sameness
from fleetlore.kmu.digests import Digests, digests_of
from fleetlore.kmu.holding import judge_again
from fleetlore.kmu.screening import screen_wording
from fleetlore.storage.errors import EditConflict, Refusal
from fleetlore.storage.identifiers import ItemId, PlanId, new_plan_id
from fleetlore.storage.ledger import Ledger, LedgerTransaction
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.people_view import Holder
from fleetlore.storage.records import AgentName, Edit, Item, Plan, PlannedItem, Wording


async def edit(
    ledger: Ledger, item: ItemId, *, read: Wording, wish: Wording, agent: AgentName
) -> tuple[Plan | None, int]:
    """Words an item as wished, if it is still worded as it was when the person read it.

    Returns the plan, and how many secrets were taken out of the wish; no plan where the rest is what the item says.

    Raises `EditConflict` where somebody else has changed it meanwhile, and `Refusal` where the wish cannot be.
    """
    wish, redacted = await screen_wording(wish)
    if wish == read:
        return None, redacted

    async def change(transaction: LedgerTransaction) -> Plan:
        current = await _still(transaction, item, read, agent)
        digests = await _free(transaction, current, wish)
        plan = Plan(
            id=new_plan_id(transaction.now),
            at=transaction.now,
            agent=agent,
            reason="edited",
            items=(_line(current),),
            kind="edit",
            applied_at=transaction.now,
            edit=Edit(before=current.wording, after=wish, updated_at=current.updated_at),
        )
        await transaction.reword(item, wish, digests, transaction.now)
        await judge_again(transaction, current, wish)
        await transaction.add_plan(plan)
        await transaction.record("edited", agent=agent, subject=item, plan=plan.id)
        return plan

    return await ledger.write(change), redacted


async def take_back(transaction: LedgerTransaction, item: Item, plan: PlanId, *, agent: AgentName) -> None:
    """Gives an item the words that it had before the edit.

    Raises `Refusal` where it was edited again since, or where its old words belong to another item by now.
    """
    made = await transaction.plan(plan, agent=AgentName(item.owner or agent))
    assert made is not None
    if made.edit is None:
        raise Refusal(
            "plan", f"the words that {item.id} had before were erased", f"Give it others: fleetlore edit {item.id}"
        )
    if item.wording != made.edit.after:
        since = await _latest(transaction, item.id)
        raise Refusal("plan", f"{item.id} was edited again since", f"Undo that first: fleetlore undo {since}")
    digests = await _free(transaction, item, made.edit.before, "plan")
    untouched = made.applied_at == item.updated_at
    updated_at = made.edit.updated_at if untouched else item.updated_at
    await transaction.reword(item.id, made.edit.before, digests, updated_at)
    await judge_again(transaction, item, made.edit.before)
    # No "restored": that would keep the item from consolidation for good.
    await transaction.record("edit undone", agent=agent, subject=item.id, plan=plan)


async def known_item(view: LedgerView, item: ItemId, agent: AgentName) -> Item:
    """The living item; raises `Refusal` where there is none that this agent may see."""
    found = await view.item(item, agent=agent, pruned=True)
    if found is None:
        raise Refusal(
            "id",
            f"there is no item {item}",
            "Ids of items look like k_01abc…; 'fleetlore search' finds them, and an agent's own items need its --agent",
        )
    if found.erased:
        raise Refusal("id", f"{item} was erased for good", "Nothing brings it back; 'fleetlore add' tells it anew")
    if found.merged_into is not None:
        raise Refusal("id", f"{item} was merged into {found.merged_into}", f"Edit {found.merged_into}")
    if found.pruned_by is not None:
        raise Refusal("id", f"{item} was pruned", f"To bring it back first: fleetlore undo {found.pruned_by}")
    return found


async def _still(transaction: LedgerTransaction, item: ItemId, read: Wording, agent: AgentName) -> Item:
    """The item as it is, if nobody has worded it anew since it was read."""
    current = await known_item(transaction, item, agent)
    if current.wording != read:
        changes = [e for e in await transaction.history(item) if e["kind"] in ("edited", "edit undone")]
        raise EditConflict(item, by=changes[-1]["agent"], at=changes[-1]["at"])
    return current


async def _free(transaction: LedgerTransaction, item: Item, wish: Wording, argument: str = "insight") -> Digests:
    """The digests of the wish, where no other item has them."""
    insight, condition, task_type = sameness(item.space, wish.insight, wish.applies_when, wish.task_type)
    if not insight:
        raise Refusal(argument, "it has no words", f"To forget the item: fleetlore prune {item.id} --reason …")
    found = digests_of(transaction.info, insight, condition, task_type, wish.insight)
    holder = await transaction.holder_of_digest(item.space, item.owner, found["digest"])
    if holder is not None and holder.item != item.id:
        raise _taken(argument, item, holder)
    gist = found["gist"]
    other = await transaction.item_of_gist(item.space, item.owner, gist) if gist != item.gist else None
    if other is not None and other != item.id:
        raise _taken(argument, item, Holder(item=other))
    return found


def _taken(argument: str, item: Item, holder: Holder) -> Refusal:
    if holder.merged_into is not None:
        return Refusal(
            argument,
            f"{holder.item} says this, and was merged into {holder.merged_into}",
            f"Use other words, or part them again: fleetlore undo {holder.pruned_by}",
        )
    if holder.pruned_by is not None:
        return Refusal(
            argument,
            f"{holder.item} says this, and was pruned",
            f"Use other words, or bring it back: fleetlore undo {holder.pruned_by}",
        )
    return Refusal(
        argument,
        f"{holder.item} says the same where the same applies",
        f"Use other words, or keep that one alone: fleetlore prune {item.id} --reason 'same as {holder.item}'",
    )


async def _latest(transaction: LedgerTransaction, item: ItemId) -> PlanId | None:
    """The last edit of the item that still stands."""
    for event in reversed(await transaction.history(item)):
        plan = await transaction.plan(event["plan"], agent=None) if event["kind"] == "edited" else None
        if plan is not None and plan.undone_at is None:
            return plan.id
    return None


def _line(item: Item) -> PlannedItem:
    return PlannedItem(
        item=item.id, because="a person worded it anew", stage=item.stage, trust=item.evidence.trust, act="edit"
    )
