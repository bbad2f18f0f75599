"""The general space's vectors in memory: exact, cheaper than a search in LanceDB, and as fresh as the ledger.

Before it is asked it follows what the ledger says has changed (`row_changes`), so that it answers for the last commit
of any process. Until it is loaded, and where the space is larger than memory is meant for, LanceDB answers.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import numpy as np

from fleetlore.storage.batching import Batcher
from fleetlore.storage.errors import DataError
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import Space
from fleetlore.storage.row_changes import RowChange
from fleetlore.storage.search import Filter
from fleetlore.storage.table_rows import vectors_of
from fleetlore.storage.vector_matrix import MatrixView, VectorMatrix

if TYPE_CHECKING:
    from fleetlore.storage.embedding import Vectors
    from fleetlore.storage.ledger import Ledger
    from fleetlore.storage.rows import IndexedItem
    from fleetlore.storage.spaces import KnowledgeSpaces

logger = logging.getLogger(__name__)

SPACE: Space = "general"
MOST_BYTES = 128 << 20
_BYTES_OF_A_NUMBER = 4
# Who is further behind is faster when he reads the vectors from the table than when he makes them.
_FEW_CHANGES = 500
_MISSING_AT_ONCE = 500
# A product with fewer rows takes less time than handing it to a thread. With more it takes what reading the matrix from
# main memory takes, once for all the questions that have queued up meanwhile: of 100,000 rows 10 ms for one, 19 for 8.
_TOGETHER_FROM = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    vectors: Vectors
    limit: int


@dataclass(slots=True)
class _Loaded:
    """What is in memory: of which generation of the tables, and up to which change."""

    matrix: VectorMatrix
    generation: int
    reached: RowChange


class ResidentVectors:
    """The vectors of one process."""

    def __init__(self, spaces: KnowledgeSpaces, *, most_bytes: int = MOST_BYTES) -> None:
        self._spaces = spaces
        self._most_bytes = most_bytes
        self._loaded: _Loaded | None = None
        self._too_many_in = -1  # the generation that has more rows than there is memory for
        self._wanted = anyio.Event()
        self._following = anyio.Lock(fast_acquire=True)
        self._products: Batcher[_Asked, list[dict[ItemId, float]] | None] | None = None

    @asynccontextmanager
    async def kept(self, ledger: Ledger) -> AsyncIterator[None]:
        """Loads them in the background, from the first search that could use them on, until the block ends."""
        self._products = Batcher(self._answer)
        async with self._products.running(), anyio.create_task_group() as tasks:
            tasks.start_soon(self._load_when_wanted, ledger)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()

    async def follow(self, ledger: Ledger, space: Space) -> None:
        """Goes on to the ledger's last commit, whichever process made it, where that space is in memory."""
        if space != SPACE:
            return
        async with self._following:
            if self._loaded is not None and self._loaded.generation != self._spaces.generation:
                self._loaded = None
            if self._loaded is not None and not await self._caught_up(ledger, self._loaded):
                self._loaded = None
            if self._loaded is None and self._spaces.generation != self._too_many_in:
                self._wanted.set()

    def answers(self, space: Space, where: Filter) -> bool:
        """Whether both ways of searching are answered from memory."""
        return False

    async def nearest(
        self, space: Space, vectors: Vectors, *, limit: int, where: Filter
    ) -> list[dict[ItemId, float]] | None:
        """For each of the vectors the cosines of the `limit` nearest rows; None where LanceDB must be asked."""
        if space != SPACE or where != Filter() or (view := self._view()) is None:
            return None
        if self._products is None or view.rows < _TOGETHER_FROM:
            return view.nearest(vectors, limit)
        return await self._products.submit(_Asked(vectors=vectors, limit=limit))

    async def _answer(self, asked: Sequence[_Asked]) -> Sequence[list[dict[ItemId, float]] | None]:
        view = self._view()
        if view is None:  # a rebuild came between
            return [None] * len(asked)
        vectors, limit = np.concatenate([one.vectors for one in asked]), max(one.limit for one in asked)
        found = iter(await anyio.to_thread.run_sync(view.nearest, vectors, limit))
        return [[dict(islice(near.items(), one.limit)) for near in islice(found, len(one.vectors))] for one in asked]

    def _view(self) -> MatrixView | None:
        if self._loaded is None or self._loaded.generation != self._spaces.generation:
            return None
        return self._loaded.matrix.view()

    async def _caught_up(self, ledger: Ledger, loaded: _Loaded) -> bool:
        """False where what is loaded must be loaded anew."""
        changes = await ledger.read.row_changes_after(loaded.reached, _FEW_CHANGES + 1)
        if changes is None or len(changes) > _FEW_CHANGES:
            return False
        if changes:
            changed = list({change.item for change in changes})
            items = await ledger.read.living_among(SPACE, changed)
            await self._put(loaded.matrix, items)
            loaded.matrix.discard(set(changed) - {item.id for item in items})
            loaded.reached = changes[-1]
        return self._fits(loaded.matrix)

    def _fits(self, matrix: VectorMatrix) -> bool:
        if len(matrix) * self._spaces.embedder.dimension * _BYTES_OF_A_NUMBER > self._most_bytes:
            self._too_many_in = self._spaces.generation
            return False
        return True

    async def _put(self, matrix: VectorMatrix, items: Sequence[IndexedItem]) -> None:
        if items:
            vectors = await anyio.to_thread.run_sync(vectors_of, items, self._spaces.embedder)
            matrix.put([item.id for item in items], vectors)

    async def _load_when_wanted(self, ledger: Ledger) -> None:
        while True:
            await self._wanted.wait()
            try:
                self._loaded = await self._load(ledger)
            except DataError:
                # The table may just have been dropped by a rebuild, or is broken: the next search wants it again.
                logger.warning("the vectors could not be loaded; LanceDB answers until they are", exc_info=True)
            self._wanted = anyio.Event()

    async def _load(self, ledger: Ledger) -> _Loaded | None:
        """All of them, from the table, but as the ledger was before the table was read; what came since is followed.

        None where they are too many.
        """
        generation = self._spaces.generation
        loaded = _Loaded(
            matrix=VectorMatrix(self._spaces.embedder.dimension),
            generation=generation,
            reached=await ledger.read.last_row_change(),
        )
        async for ids, vectors in self._spaces.vectors(SPACE):
            loaded.matrix.put(ids, vectors)
            if not self._fits(loaded.matrix):
                return None
        living = await ledger.read.living_ids(SPACE)
        loaded.matrix.discard(loaded.matrix.ids() - living)
        missing = list(living - loaded.matrix.ids())
        for start in range(0, len(missing), _MISSING_AT_ONCE):
            part = missing[start : start + _MISSING_AT_ONCE]
            await self._put(loaded.matrix, await ledger.read.living_among(SPACE, part))
            if not self._fits(loaded.matrix):
                return None
        return loaded
