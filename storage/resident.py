"""Both knowledge spaces in memory: exact, cheaper than a search in LanceDB, and as fresh as the ledger.

Before it is asked it follows what the ledger says has changed (`row_changes`), so that it answers for the last commit
of any process. Until it is loaded, and where the spaces are larger than memory is meant for, LanceDB answers.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import anyio
import anyio.to_thread
import numpy as np

from fleetlore.storage.arenas import give_back
from fleetlore.storage.batching import Batcher
from fleetlore.storage.errors import DataError
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import SPACES, Space
from fleetlore.storage.resident_space import ResidentSpace, SpaceView
from fleetlore.storage.row_changes import RowChange
from fleetlore.storage.search import Filter
from fleetlore.storage.table_rows import held_in, held_of

if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from fleetlore.storage.embedding import Embedder, Vectors
    from fleetlore.storage.ledger import Ledger
    from fleetlore.storage.ledger_view import LedgerView
    from fleetlore.storage.rows import IndexedItem
    from fleetlore.storage.spaces import KnowledgeSpaces

logger = logging.getLogger(__name__)

# Of both spaces together. The words of 100,000 lessons take 14 MB; a server with them 494 in all.
MOST_BYTES = 128 << 20
MOST_BYTES_OF_WORDS = 32 << 20
# Who is further behind is faster when he reads the tables than when he makes the vectors.
_FEW_CHANGES = 500
_MISSING_AT_ONCE = 500
# Python's lock is held for some milliseconds at a time with so many.
_ROWS_AT_ONCE = 1_024
# A product takes what reading the matrix from main memory takes, once for all the questions that have queued up
# meanwhile: with 10,000 rows and 32 clients a search costs half, and one client pays 0.2 ms for the way to a thread.
_TOGETHER_FROM = 4_000
# With so many it pays to look words up in another thread beside it.
_BESIDE_FROM = 20_000


Matches: TypeAlias = dict[ItemId, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Near:
    loaded: Loaded | None  # with whose embedder the vectors were made
    space: Space
    vectors: Vectors
    limit: int
    where: Filter


@dataclass(frozen=True, kw_only=True, slots=True)
class _Worded:
    space: Space
    text: str
    limit: int
    where: Filter


@dataclass(slots=True, eq=False)
class Loaded:
    """What is in memory: of which generation of the tables, made with which embedder, and up to which change."""

    spaces: dict[Space, ResidentSpace]
    generation: int
    embedder: Embedder
    reached: RowChange


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What changed behind what is in memory, at most `_FEW_CHANGES` and one; None where nobody can tell."""

    beside: Loaded | None
    changes: Sequence[RowChange] | None


class ResidentSpaces:
    """The spaces as one process has them in memory."""

    def __init__(
        self,
        spaces: KnowledgeSpaces,
        *,
        most_bytes: int = MOST_BYTES,
        most_bytes_of_words: int = MOST_BYTES_OF_WORDS,
    ) -> None:
        self._spaces = spaces
        self._most_bytes = most_bytes
        self._most_bytes_of_words = most_bytes_of_words
        self._loaded: Loaded | None = None
        self._too_many_in = -1  # the generation that has more rows than there is memory for
        self._wanted = anyio.Event()
        self._tried = anyio.Event()
        self._following = anyio.Lock(fast_acquire=True)
        self._products: Batcher[_Near, list[Matches] | None] | None = None
        self._lookups: Batcher[_Worded, Matches | None] | None = None

    @asynccontextmanager
    async def kept(self, ledger: Ledger) -> AsyncIterator[None]:
        """Loads them in the background, from the first search that could use them on, until the block ends."""
        self._products, self._lookups = Batcher(self._products_of), Batcher(self._lookups_of)
        async with self._products.running(), self._lookups.running(), anyio.create_task_group() as tasks:
            tasks.start_soon(self._load_when_wanted, ledger)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()

    @property
    def loaded(self) -> Loaded | None:
        """What is in memory of the generation that is searched."""
        loaded = self._loaded
        return loaded if loaded is not None and loaded.generation == self._spaces.generation else None

    async def news(self, view: LedgerView) -> News:
        """What is to be followed."""
        loaded = self._loaded
        changes = None if loaded is None else await view.row_changes_after(loaded.reached, _FEW_CHANGES + 1)
        return News(beside=loaded, changes=changes)

    async def follow(self, ledger: Ledger, news: News) -> None:
        """Goes on to the ledger's last commit, whichever process made it, where the spaces are in memory.

        `news` were read meanwhile; they are read anew where memory was.
        """
        async with self._following:
            self._loaded = self.loaded
            if self._loaded is not None:
                if news.beside is not self._loaded:
                    news = await self.news(ledger.read)
                if not await self._caught_up(ledger, self._loaded, news.changes):
                    self._loaded = None
            if self._loaded is None and self._spaces.generation != self._too_many_in:
                self._wanted.set()

    async def tried(self, patience: float) -> None:
        """Waits until loading, which goes on or is wanted, has come to its end; for so many seconds at most."""
        with anyio.move_on_after(patience):
            await self._tried.wait()

    def answers(self) -> bool:
        """Whether both legs of a search come from memory, in either space and with any filter."""
        return (loaded := self.loaded) is not None and all(space.holds_words for space in loaded.spaces.values())

    def at_once(self, space: Space) -> bool:
        """Whether so little is searched in memory that nothing is gained by looking up words beside a product."""
        return self.answers() and (loaded := self.loaded) is not None and len(loaded.spaces[space]) < _BESIDE_FROM

    async def matching(self, space: Space, text: str, *, limit: int, where: Filter) -> Matches | None:
        """The BM25 scores of the `limit` best rows for a text; None where LanceDB must be asked."""
        view, asked = self._view(space), _Worded(space=space, text=text, limit=limit, where=where)
        if self._lookups is None or view is None or view.rows < _BESIDE_FROM:
            return _matches(view, asked)
        return await self._lookups.submit(asked)

    async def nearest(self, space: Space, vectors: Vectors, *, limit: int, where: Filter) -> list[Matches] | None:
        """For each of the vectors the cosines of the `limit` nearest rows; None where LanceDB must be asked."""
        if (view := self._view(space)) is None:
            return None
        among = view.among(where)
        if self._products is None or (view.rows if among is None else len(among)) < _TOGETHER_FROM:
            return view.nearest(vectors, limit, among)
        asked = _Near(loaded=self.loaded, space=space, vectors=vectors, limit=limit, where=where)
        return await self._products.submit(asked)

    async def _lookups_of(self, asked: Sequence[_Worded]) -> Sequence[Matches | None]:
        views = [self._view(one.space) for one in asked]
        return await anyio.to_thread.run_sync(lambda: list(map(_matches, views, asked)))

    async def _products_of(self, asked: Sequence[_Near]) -> Sequence[list[Matches] | None]:
        answers: dict[int, list[Matches] | None] = {}
        for sort in {(one.loaded, one.space, one.where): None for one in asked}:
            alike = {place: one for place, one in enumerate(asked) if (one.loaded, one.space, one.where) == sort}
            loaded, space, where = sort
            view = self._view(space)
            if view is None or loaded is not self.loaded:  # a rebuild came between
                answers |= dict.fromkeys(alike)
                continue
            vectors = np.concatenate([one.vectors for one in alike.values()])
            limit = max(one.limit for one in alike.values())
            found = iter(await anyio.to_thread.run_sync(view.nearest, vectors, limit, view.among(where)))
            for place, one in alike.items():
                near = islice(found, len(one.vectors))
                answers[place] = [dict(islice(cosines.items(), one.limit)) for cosines in near]
        return [answers[place] for place in range(len(asked))]

    def _view(self, space: Space) -> SpaceView | None:
        return self.loaded.spaces[space].view() if self.loaded is not None else None

    async def _caught_up(self, ledger: Ledger, loaded: Loaded, changes: Sequence[RowChange] | None) -> bool:
        """False where what is loaded must be loaded anew."""
        if changes is None or len(changes) > _FEW_CHANGES:
            return False
        if changes := [change for change in changes if change.seq > loaded.reached.seq]:
            changed = list({change.item for change in changes})
            living = {space: await ledger.read.living_among(space, changed) for space in SPACES}
            for space, items in living.items():
                await _put(loaded, space, items)
                loaded.spaces[space].discard(set(changed) - {item.id for item in items})
            loaded.reached = changes[-1]
        return self._fits(loaded)

    def _fits(self, loaded: Loaded) -> bool:
        """False where there is no memory for the spaces; where there is none for their words, these are dropped."""
        held = loaded.spaces.values()
        if sum(space.bytes_of_words for space in held) > self._most_bytes_of_words:
            for space in held:
                space.drop_words()
        if sum(space.bytes for space in held) > self._most_bytes:
            self._too_many_in = self._spaces.generation
            return False
        return True

    async def _load_when_wanted(self, ledger: Ledger) -> None:
        while True:
            await self._wanted.wait()
            try:
                self._loaded = await self._load(ledger)
                await anyio.to_thread.run_sync(give_back)
            except DataError:
                # A table may just have been dropped by a rebuild, or is broken: the next search wants it again.
                logger.warning("the spaces could not be loaded; LanceDB answers until they are", exc_info=True)
            self._wanted = anyio.Event()
            self._tried.set()
            self._tried = anyio.Event()

    async def _load(self, ledger: Ledger) -> Loaded | None:
        """All of them as the ledger has them now: from the tables, and from itself what these have not followed yet.

        None where they are too many.
        """
        generation, embedder = self._spaces.generation, self._spaces.embedder  # others may be turned to meanwhile
        loaded = Loaded(
            spaces={space: ResidentSpace(embedder.dimension) for space in SPACES},
            generation=generation,
            embedder=embedder,
            reached=await ledger.read.last_row_change(),
        )
        coming = await ledger.read.row_changes_after(await ledger.read.followed(generation), None) or ()
        outdated = {change.item for change in coming}
        for space, held in loaded.spaces.items():
            async for rows in self._spaces.snapshot(space, generation):
                await anyio.to_thread.run_sync(_hold, held, rows)
                if not self._fits(loaded):
                    return None
            living = await ledger.read.living_ids(space)
            await anyio.to_thread.run_sync(held.discard, held.ids() - living | outdated)
            missing = list(living - held.ids())
            for start in range(0, len(missing), _MISSING_AT_ONCE):
                part = missing[start : start + _MISSING_AT_ONCE]
                await _put(loaded, space, await ledger.read.living_among(space, part))
                if not self._fits(loaded):
                    return None
        return loaded


def _matches(view: SpaceView | None, asked: _Worded) -> Matches | None:
    if view is None or view.words is None:
        return None
    return view.matching(view.words, asked.text, asked.limit, view.among(asked.where))


async def _put(loaded: Loaded, space: Space, items: Sequence[IndexedItem]) -> None:
    if items:
        loaded.spaces[space].put(await anyio.to_thread.run_sync(held_of, items, loaded.embedder))


def _hold(held: ResidentSpace, rows: RecordBatch) -> None:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        held.put(held_in(rows.slice(start, _ROWS_AT_ONCE)))
