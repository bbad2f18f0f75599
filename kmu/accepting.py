"""Accepting: a person has looked at an item that is held, and lets it go as it is worded. It can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetlore.kmu.crediting import restage
from fleetlore.kmu.editing import known_item
from fleetlore.kmu.suspicion import JUDGEMENT
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ItemId, PlanId, new_plan_id
from fleetlore.storage.records import AgentName, Item, Plan, PlannedItem

if TYPE_CHECKING:
    from fleetlore.storage.ledger import Ledger, LedgerTransaction


async def accept(ledger: Ledger, item: ItemId, *, agent: AgentName, required: int) -> Plan:
    """Lets a held item go: from now on outcomes decide what it is. Raises `Refusal` where it is not held.

    `required` is how many other agents must bear an item out before it is active.
    """

    async def let_go(transaction: LedgerTransaction) -> Plan:
        held = await known_item(transaction, item, agent)
        if not held.flags:
            raise Refusal("id", f"{item} is not held", "There is nothing to accept")
        because = f"a person looked at it: {', '.join(held.flags)}"
        line = PlannedItem(item=item, because=because, stage=held.stage, trust=held.evidence.trust, act="accept")
        plan = Plan(
            id=new_plan_id(transaction.now),
            at=transaction.now,
            agent=agent,
            reason="accepted as it is",
            items=(line,),
            kind="edit",
            applied_at=transaction.now,
        )
        await transaction.hold(item, (), JUDGEMENT, accepted=True)
        await transaction.add_plan(plan)
        await transaction.record("accepted", agent=agent, subject=item, plan=plan.id, flags=held.flags)
        now = await known_item(transaction, item, agent)
        if now.space == "prompt":
            await transaction.set_stage(item, "active")
        else:
            await restage(transaction, now, trust=now.evidence.trust, agent=agent, required=required)
        return plan

    return await ledger.write(let_go)


async def take_back(transaction: LedgerTransaction, item: Item, plan: PlanId, *, agent: AgentName) -> None:
    """Holds an item again that a plan let go; one that was reworded since has been judged by its new words."""
    if not await transaction.accepted(item.id):
        return
    flags = next(
        event["flags"]
        for event in await transaction.history(item.id)
        if event["kind"] == "accepted" and event["plan"] == plan
    )
    await transaction.hold(item.id, flags, JUDGEMENT)
    await transaction.record("acceptance undone", agent=agent, subject=item.id, plan=plan)
