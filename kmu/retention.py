"""Retention: old receipts go to the archive, and what an operator wants kept no longer is pruned.

Nothing is lost by it: an item goes by a plan, with the reason `retention`, that can be taken back as any other. All is
done in slices that hold up nobody for long; who maintains does it in the background.
"""

from __future__ import annotations

from collections.abc import Sequence

from fleetlore.kmu.acts import carry_out
from fleetlore.kmu.policy import Policy
from fleetlore.storage.identifiers import ItemId, new_plan_id
from fleetlore.storage.ledger import Ledger, LedgerTransaction
from fleetlore.storage.records import ITSELF, SPACES, AgentName, Plan, PlannedItem

_REASON = "retention"
_RECEIPTS = 200
_ITEMS = 50


async def retain(ledger: Ledger, policy: Policy) -> bool:
    """One slice of what is to be done; says whether anything was."""
    before = ledger.clock() - policy.retention.archive_after
    archived = await ledger.write(lambda transaction: transaction.archive_receipts(before=before, limit=_RECEIPTS))
    pruned = False
    for because, found in await _found(ledger, policy):
        by_owner: dict[AgentName, list[ItemId]] = {}
        for item, owner in found:
            by_owner.setdefault(owner or ITSELF, []).append(item)
        for agent, ids in by_owner.items():
            pruned |= await _pruned(ledger, ids, because, agent=agent, policy=policy)
    return archived > 0 or pruned


async def _found(ledger: Ledger, policy: Policy) -> list[tuple[str, list[tuple[ItemId, AgentName]]]]:
    """Items that may go, each lot with why."""
    retention, lots = policy.retention, []
    if retention.keep is not None:
        because = f"nobody bore it out, and nobody reported on it for {retention.keep.days} days"
        lots.append((because, await ledger.read.outworn(before=ledger.clock() - retention.keep, limit=_ITEMS)))
    if retention.most_items is not None:
        for space in SPACES:
            because = f"the {space} space is to hold {retention.most_items:,} items at most"
            lots.append((because, await ledger.read.surplus(space, most=retention.most_items, limit=_ITEMS)))
    return lots


async def _pruned(
    ledger: Ledger,
    ids: Sequence[ItemId],
    because: str,
    *,
    agent: AgentName,
    policy: Policy,
) -> bool:
    """Prunes these by a plan of their own, in the name of their owner; says whether any of them was still there."""

    async def prune(transaction: LedgerTransaction) -> bool:
        plan, now = new_plan_id(transaction.now), transaction.now
        done = [
            line
            for item in ids
            for line in await carry_out(
                transaction,
                PlannedItem(item=item, because=because),
                plan,
                agent=agent,
                required=policy.promote_after,
            )
            if line.stage is not None
        ]
        if not done:
            return False
        await transaction.add_plan(
            Plan(id=plan, at=now, agent=agent, reason=_REASON, items=tuple(done), applied_at=now)
        )
        pruned = [line.item for line in done]
        await transaction.record("plan applied", agent=agent, subject=plan, items=pruned)
        return True

    return await ledger.write(prune)
