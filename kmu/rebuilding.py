"""Rebuilding both spaces from the ledger, with the embedder that they had or with another."""

from collections.abc import Callable
from pathlib import Path

import anyio

from fleetlore.storage import rebuilding
from fleetlore.storage.embedding import load_embedder
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.spaces import KnowledgeSpaces


async def rebuild_spaces(ledger: Ledger, data: Path, *, embedder: str, progress: Callable[[int], None]) -> int:
    """Fills new tables, makes them the ones to search, and returns how many items they hold."""
    loaded = await anyio.to_thread.run_sync(load_embedder, embedder)
    generation = ledger.info.generation + 1
    async with KnowledgeSpaces.open(data, embedder=loaded, generation=generation, may_write=ledger.refuse) as spaces:
        return await rebuilding.rebuild(ledger, spaces, progress)
