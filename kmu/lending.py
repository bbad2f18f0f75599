"""Lending: what was said of a wording speaks for the item that it is merged into, until the merge is taken back.

A lent verdict keeps its source, agent and time; its `delta` is what it did to the item's log-odds of trust. A source
that has spoken of the item itself is not counted twice.
"""

from dataclasses import replace

from fleetlore.kmu import evidence
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.ledger import LedgerTransaction
from fleetlore.storage.records import Item, PlannedItem


async def lend(transaction: LedgerTransaction, item: Item, survivor: Item) -> tuple[str, ...]:
    """Lends the item's verdicts to its survivor; returns the sources of those that were lent."""
    known = {verdict.source for verdict in await transaction.verdicts(survivor.id)}
    confirmation = evidence.confirmation_of(await transaction.experience())
    trust, sources = survivor.evidence.trust, []
    for verdict in await transaction.verdicts(item.id):
        if verdict.source in known:
            continue
        own = verdict.feedback == item.feedback and verdict.agent == item.author
        to_itself = verdict.sign > 0 and verdict.agent == survivor.author
        after = lent(trust, verdict.delta, own=own, to_itself=to_itself, confirmation=confirmation)
        delta = evidence.log_odds(after) - evidence.log_odds(trust)
        await transaction.put_verdict(replace(verdict, item=survivor.id, delta=delta))
        trust = after
        sources.append(verdict.source)
    await transaction.set_trust(survivor.id, trust, news=False)
    return tuple(sources)


async def take_back(transaction: LedgerTransaction, entry: PlannedItem) -> list[ItemId]:
    """Takes back what a merged item lent, also from where its survivor was merged in turn; returns who held it."""
    mine = {verdict.source: verdict for verdict in await transaction.verdicts(entry.item)}
    holders: list[ItemId] = []
    loan: PlannedItem | None = entry
    sources = set(entry.lent)
    while loan is not None and loan.other is not None:
        sources &= set(loan.lent)
        shift = 0.0
        for source in sorted(sources):
            held = await transaction.verdict(loan.other, source)
            # A later report under the same source has taken its place: that one is the item's own.
            # The item's own may be gone, if it was only seen from outside and the agent has answered since.
            if held is not None and source in mine and held.feedback == mine[source].feedback:
                await transaction.remove_verdict(loan.other, source)
                shift -= held.delta
        for verdict in loan.displaced if loan is entry else ():
            if await transaction.verdict(loan.other, verdict.source) is None:
                await transaction.put_verdict(verdict)
                shift += verdict.delta
        survivor = await transaction.trust(loan.other)
        await transaction.set_trust(loan.other, evidence.moved(survivor, shift), news=False)
        holders.append(loan.other)
        loan = await _merge_of(transaction, loan.other)
    return holders


async def _merge_of(transaction: LedgerTransaction, item: ItemId) -> PlannedItem | None:
    """The line of the plan by which the item was merged away itself."""
    plan = await transaction.plan_that_merged(item)
    if plan is None:
        return None
    return next(entry for entry in plan.items if entry.item == item and entry.act == "merge")


def lent(trust: float, delta: float, *, own: bool, to_itself: bool, confirmation: float) -> float:
    """Trust of a survivor to which a verdict is lent that did `delta` to the wording's log-odds.

    `own`: it came with the wording; `to_itself`: the survivor's author praises it.
    """
    if to_itself:
        return trust  # nobody vouches for himself
    if own:
        return evidence.confirmed(trust, 1.0, confirmation)  # the author has found the same
    return evidence.moved(trust, delta)
