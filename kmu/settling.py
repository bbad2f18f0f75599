"""Settling: what evidence has overtaken since: promotions and demotions that are due, conflicts that are decided, and,
in a store that has seen enough, what the prune policy finds and nobody has touched for a while.
"""

from collections.abc import AsyncIterator, Sequence

import anyio
import anyio.lowlevel

from fleetlore.kmu.acts import perform
from fleetlore.kmu.joining import decided, outdone
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.promotion import stage_of
from fleetlore.kmu.pruning import planned
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.ledger import Ledger, LedgerTransaction
from fleetlore.storage.records import SPACES, AgentName, Plan, PlannedItem

_PAGE = 100


async def settle(ledger: Ledger, policy: Policy, *, agent: AgentName) -> AsyncIterator[list[Plan]]:
    """Does it in transactions of at most a page, in the name of `agent`, for own items in that of their owner."""
    async for lines in _misplaced(ledger, policy):
        yield await _performed(ledger, lines, agent, policy)
    async for lines in _disputes(ledger, agent):
        yield await _performed(ledger, lines, agent, policy)
    for owner, ids in (await _forgettable(ledger, policy)).items():
        for start in range(0, len(ids), _PAGE):
            yield await _pruned(ledger, ids[start : start + _PAGE], AgentName(owner) if owner else agent, policy)


async def _performed(ledger: Ledger, lines: Sequence[PlannedItem], agent: AgentName, policy: Policy) -> list[Plan]:
    return await ledger.write(lambda tx: perform(tx, lines, agent=agent, required=policy.promote_after))


async def _misplaced(ledger: Ledger, policy: Policy) -> AsyncIterator[list[PlannedItem]]:
    """Items whose stage outcomes warrant no more, as after a change of policy."""
    after = 0
    while page := await ledger.read.judged(after, _PAGE):
        after = page[-1][0]
        items = await ledger.read.items((item for _, item in page), agent="")
        signs = await ledger.read.latest_signs_of(items)
        lines = []
        for item in items.values():
            others = [sign for name, sign in signs.get(item.id, {}).items() if name != item.author]
            stage = stage_of(
                item.stage,
                backers=others.count(1),
                objectors=others.count(-1),
                trust=item.evidence.trust,
                required=policy.promote_after,
                held=bool(item.flags),
            )
            if stage != item.stage:
                lines.append(PlannedItem(item=item.id, because="", act="promote" if stage == "active" else "demote"))
        if lines:
            yield lines
        await anyio.lowlevel.checkpoint()


async def _disputes(ledger: Ledger, agent: AgentName) -> AsyncIterator[list[PlannedItem]]:
    """Conflicts in which the younger item has taken the older's place by now."""
    after = ""
    while page := await ledger.read.disputes(after, _PAGE):
        after = page[-1][0]
        items = await ledger.read.items({end for pair in page for end in pair}, agent=agent)
        lost: dict[ItemId, PlannedItem] = {}
        for older, younger in page:
            standing = [items[end] for end in (older, younger) if end in items and end not in lost]
            living = [item for item in standing if item.superseded_by is None]
            if len(living) == 2 and outdone(*living):
                lost[older] = decided(*living)
        if lost:
            yield list(lost.values())
        await anyio.lowlevel.checkpoint()


async def _forgettable(ledger: Ledger, policy: Policy) -> dict[str, list[ItemId]]:
    """What may be pruned unasked, by owner: of each space at most what one plan may take."""
    prune = policy.prune
    if (await ledger.read.experience()).reports < prune.unasked_from_reports:
        return {}
    before = ledger.clock() - prune.unasked_after
    found = await ledger.read.forgettable(before=before, trust=prune.trust, contradictions=prune.contradictions)
    chosen: dict[str, list[ItemId]] = {}
    for space in SPACES:
        of_space = [(item, owner) for item, where, owner in found if where == space]
        for item, owner in of_space[: prune.most(await ledger.read.count(space))]:
            chosen.setdefault(owner, []).append(item)
    return chosen


async def _pruned(ledger: Ledger, ids: Sequence[ItemId], agent: AgentName, policy: Policy) -> list[Plan]:
    prune = policy.prune

    async def forget(transaction: LedgerTransaction) -> list[Plan]:
        before = transaction.now - prune.unasked_after
        still = await transaction.forgettable(before=before, trust=prune.trust, contradictions=prune.contradictions)
        items = await transaction.items({item for item, _, _ in still} & set(ids), agent=agent)
        objections = await transaction.objections(items)
        lines = [planned(items[item], objections, "") for item in ids if item in items]
        return await perform(transaction, lines, agent=agent, required=policy.promote_after)

    return await ledger.write(forget)
