"""Taking new items into a knowledge space: one add for all that has queued up, in the generation searched now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fleetlore.storage.batching import Batcher
from fleetlore.storage.embedders import EMBEDDERS
from fleetlore.storage.errors import EmbedderMismatch, SpacesDamaged, StorageFault, known_fault
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import SPACES, Space
from fleetlore.storage.rows import IndexedItem
from fleetlore.storage.search import ONE_LEG, Filter, Legs

if TYPE_CHECKING:
    from fleetlore.storage.embedding import Vectors
    from fleetlore.storage.spaces import KnowledgeSpaces


async def follow_generation(ledger: Ledger, spaces: KnowledgeSpaces) -> None:
    """Turns to the generation that a rebuild by another process has made the one to search, and to its embedder.

    Raises `EmbedderMismatch` if whoever opened the ledger insists on another embedder, or there is none of that name.
    """
    info = await ledger.refresh()
    if info.embedder != spaces.embedder.name:
        if ledger.pinned or info.embedder not in EMBEDDERS:
            raise EmbedderMismatch(info.embedder, spaces.embedder.name)
        await spaces.use(info.generation, embedder=info.embedder)
    elif info.generation != spaces.generation:
        await spaces.use(info.generation)


async def search_latest(
    ledger: Ledger, spaces: KnowledgeSpaces, space: Space, *, text: str, vector: Vectors, where: Filter
) -> Legs:
    """Searches, also where another process erases for good meanwhile and takes away the tables from before.

    Where one way of searching is broken, what the other finds is the answer, and `spaces.lacking` says so.
    """
    searched = spaces.generation
    await spaces.resident.follow(ledger)
    try:
        found = await spaces.search(space, text=text, vector=vector, where=where)
    except (StorageFault, ExceptionGroup) as error:  # the legs of a search fail together
        fault = known_fault(error)
        if not isinstance(fault, StorageFault):
            raise
        await follow_generation(ledger, spaces)
        if spaces.generation == searched:
            return await _by_one_leg(spaces, space, text=text, vector=vector, where=where, fault=fault)
        found = await spaces.search(space, text=text, vector=vector, where=where)
    if spaces.lacking == ONE_LEG:
        spaces.lacking = ""
    return found


async def _by_one_leg(
    spaces: KnowledgeSpaces, space: Space, *, text: str, vector: Vectors, where: Filter, fault: StorageFault
) -> Legs:
    """What is found by words alone or by meaning alone. Finding nothing is no proof that a leg works: then it fails."""
    for words, meaning in ((text, vector * 0), ("", vector)):
        try:
            found = await spaces.search(space, text=words, vector=meaning, where=where)
        except (StorageFault, ExceptionGroup) as error:
            if not isinstance(known_fault(error), StorageFault):
                raise
            continue
        if found.text or found.vector:
            spaces.lacking = ONE_LEG
            if isinstance(fault, SpacesDamaged) and not await spaces.are_there(spaces.generation):
                spaces.damage = fault  # opened anew, they are filled anew
            return found
    if isinstance(fault, SpacesDamaged):
        spaces.damage = fault
    raise fault


class Intake:
    """The one writer of this process into the spaces."""

    def __init__(self, ledger: Ledger, spaces: KnowledgeSpaces) -> None:
        self._ledger = ledger
        self._spaces = spaces
        self._batches: Batcher[tuple[Space, IndexedItem], int] = Batcher(self._add)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Intake]:
        """Takes items until the block ends."""
        async with self._batches.running():
            yield self

    async def take(self, space: Space, item: IndexedItem) -> int:
        """Returns once the row is in the space: in which generation of it."""
        return await self._batches.submit((space, item))

    async def _add(self, batch: Sequence[tuple[Space, IndexedItem]]) -> Sequence[int]:
        try:
            async with self._spaces.writing():
                await follow_generation(self._ledger, self._spaces)
                for space in SPACES:
                    await self._spaces.add(space, [item for owner, item in batch if owner == space])
                return [self._spaces.generation] * len(batch)
        except SpacesDamaged as damage:
            self._spaces.damage = damage
            raise
