"""Rebuilding the knowledge spaces from the ledger: a further generation of tables is filled while this one answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fleetlore.storage.ledger import Ledger
from fleetlore.storage.reconciliation import align, reconcile
from fleetlore.storage.records import SPACES, Space
from fleetlore.storage.search import FILLING
from fleetlore.storage.underway import Underway

if TYPE_CHECKING:
    from fleetlore.storage.identifiers import ItemId
    from fleetlore.storage.spaces import KnowledgeSpaces

_SLICE = 1_000


async def rebuild(ledger: Ledger, spaces: KnowledgeSpaces, progress: Callable[[int], None]) -> int:
    """Fills the tables of the next generation, makes them the ones to search, drops older ones.

    `spaces` are of that generation. Copies without a lock first, then holds the write lock for what came meanwhile.
    `progress` is told how many items stand there. Returns how many that are in the end.
    """
    underway = await _begun(ledger, spaces)
    previous = underway.generation - 1
    filling = Filling(ledger, spaces, progress)
    await filling.copy()
    for space in SPACES:
        await spaces.index(space)
        await spaces.optimize(space)
    async with spaces.writing():
        await filling.copy()
        await ledger.write(lambda transaction: transaction.set_generation(underway.generation, underway.embedder))
        await ledger.refresh()
    # What was reworded, pruned or came back while it was copied, and generations that nobody searches any more.
    for space in SPACES:
        await align(ledger, spaces, space, await ledger.read.reworded_since(underway.began))
    await reconcile(ledger, spaces)
    await spaces.keep_only({previous, underway.generation})
    return filling.copied


async def _begun(ledger: Ledger, spaces: KnowledgeSpaces) -> Underway:
    """The rebuild that was broken off, if its tables are there to go on with, or a new one on empty tables."""
    info = await ledger.refresh()
    before = await ledger.read.rebuild_underway()
    wanted = (info.generation + 1, spaces.embedder.name)
    there = spaces.generation == info.generation + 1 and spaces.lacking != FILLING
    if before is not None and there and (before.generation, before.embedder) == wanted:
        return before
    begun = Underway(
        generation=info.generation + 1, embedder=spaces.embedder.name, began=await ledger.read.latest_event()
    )
    async with spaces.writing():
        await spaces.keep_only({info.generation})
        await spaces.use(begun.generation)
    await ledger.write(lambda transaction: transaction.begin_rebuild(begun))
    return begun


class Filling:
    """Copies living items into tables, in the ledger's order, each once; `copied` is how many stand there by now."""

    def __init__(self, ledger: Ledger, spaces: KnowledgeSpaces, progress: Callable[[int], None]) -> None:
        self._ledger = ledger
        self._spaces = spaces
        self._progress = progress
        self._reached: dict[Space, int] = dict.fromkeys(SPACES, 0)
        self._present: dict[Space, set[ItemId]] = {}
        self.copied = 0

    async def copy(self) -> None:
        """Copies what the ledger has beyond what was copied before; what stands in the tables already stays."""
        for space in SPACES:
            if space not in self._present:
                self._present[space] = set(await self._spaces.ids(space))
            present = self._present[space]
            while part := await self._ledger.read.living_after(space, self._reached[space], _SLICE):
                await self._spaces.add(space, [item for item in part if item.id not in present])
                self._reached[space] = part[-1].seq
                self.copied += len(part)
                self._progress(self.copied)
