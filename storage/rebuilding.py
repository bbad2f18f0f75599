"""Rebuilding the knowledge spaces from the ledger: a further generation of tables is filled while this one answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fleetlore.storage.ledger import Ledger, LedgerTransaction
from fleetlore.storage.reconciliation import take_in
from fleetlore.storage.records import SPACES
from fleetlore.storage.search import FILLING
from fleetlore.storage.underway import Underway

if TYPE_CHECKING:
    from fleetlore.storage.spaces import KnowledgeSpaces

_SLICE = 1_000


async def rebuild(ledger: Ledger, spaces: KnowledgeSpaces, progress: Callable[[int], None]) -> int:
    """Fills the tables of the next generation, makes them the ones to search, drops older ones.

    `spaces` are of that generation. What has changed meanwhile they follow once they are the ones to search.
    `progress` is told how many items stand there. Returns how many that are in the end.
    """
    underway = await _begun(ledger, spaces)
    previous = underway.generation - 1
    copied = await fill(ledger, spaces, progress)
    for space in SPACES:
        await spaces.index(space)
        await spaces.optimize(space)
    await ledger.write(lambda transaction: transaction.set_generation(underway.generation, underway.embedder))
    await take_in(ledger, spaces)  # what has changed since this was begun
    await spaces.keep_only({previous, underway.generation})
    return copied


async def _begun(ledger: Ledger, spaces: KnowledgeSpaces) -> Underway:
    """The rebuild that was broken off, if its tables are there to go on with, or a new one on empty tables."""
    info = await ledger.refresh()
    before = await ledger.read.rebuild_underway()
    wanted = (info.generation + 1, spaces.embedder.name)
    there = spaces.generation == info.generation + 1 and spaces.lacking != FILLING
    if before is not None and there and (before.generation, before.embedder) == wanted:
        return before
    begun = Underway(generation=info.generation + 1, embedder=spaces.embedder.name)
    async with spaces.writing():
        await spaces.keep_only({info.generation})
        await spaces.use(begun.generation)

    async def begin(transaction: LedgerTransaction) -> None:
        await transaction.begin_rebuild(begun)
        await transaction.set_followed(begun.generation, await transaction.last_row_change())

    await ledger.write(begin)
    return begun


async def fill(ledger: Ledger, spaces: KnowledgeSpaces, progress: Callable[[int], None]) -> int:
    """Copies living items into tables, in the ledger's order; what stands there already stays. Returns how many."""
    copied = 0
    for space in SPACES:
        present, reached = set(await spaces.ids(space)), 0
        while part := await ledger.read.living_after(space, reached, _SLICE):
            await spaces.add(space, [item for item in part if item.id not in present])
            reached = part[-1].seq
            copied += len(part)
            progress(copied)
    return copied
