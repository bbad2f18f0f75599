"""The two knowledge spaces in LanceDB: what is searched, with text, vector and filter columns.

A row here that the ledger does not know does not exist, and both tables can be made anew from the ledger. Tables are
named `general_<generation>` and `prompt_<generation>`; a rebuild fills the next generation while this one answers.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from fleetlore.storage.embedding import Embedder, Vectors, load_embedder
from fleetlore.storage.errors import SpacesDamaged
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.lance import MatchQuery, lancedb
from fleetlore.storage.locks import WRITE_LOCK, ProcessLock
from fleetlore.storage.records import SPACES, Space
from fleetlore.storage.resident import Loaded, ResidentSpaces
from fleetlore.storage.rows import IndexedItem
from fleetlore.storage.search import FILLING, LEG_LIMIT, Filter, Legs
from fleetlore.storage.space_faults import our_errors, retried
from fleetlore.storage.space_tables import connected, index_as_needed, made_table, one_of, scores_of
from fleetlore.storage.table_rows import predicate_of, rows_of, vectors_of

ResultT = TypeVar("ResultT")
# What a search is answered by: the tables of a generation, or what is in memory of it.
Answering: TypeAlias = tuple[int, Loaded | None]

# On 2 cores, with nearly a million vectors of real lessons and of their like, an index built in 18 s of processor time:
# recall@10 .976 at 23 ms; with 32 and 8 .963, and more probes alone add nothing. With 100,000 rows .99 and more.
PROBES = 48
REFINE_FACTOR = 10
_SLICE = 8_192
_COLUMNS = ["id", "text", "vector", "owner", "task_type", "tags"]
# A commit leaves a manifest of 3 to 80 KB, and compacting reads all that are kept: both want few. A search is over in
# a second; who was stopped in the midst of one for longer than this asks again.
_RETENTION = timedelta(seconds=30)


class KnowledgeSpaces:
    """Both spaces of one generation. Adding needs the write lock; searching needs nothing.

    `damage` is why they must be opened anew before they are of use, `lacking` what searching misses for now, in words.
    """

    def __init__(
        self,
        database: lancedb.AsyncConnection,
        embedder: Embedder,
        write_lock: ProcessLock,
        may_write: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self.embedder = embedder
        self._write_lock = write_lock
        self._may_write = may_write
        self._tables: dict[Space, Any] = {}
        self.generation = 0
        self.damage: SpacesDamaged | None = None
        self.lacking = ""
        self.resident = ResidentSpaces(self)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        data: Path,
        *,
        embedder: Embedder,
        generation: int,
        may_write: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint,
        make: bool = True,
    ) -> AsyncIterator["KnowledgeSpaces"]:
        """Opens the spaces of that generation in a data directory; makes what is missing, or, without `make`, raises.

        `may_write` raises why nothing may be written; it is asked before anything is.
        """
        spaces = cls(await connected(data), embedder, ProcessLock(data / WRITE_LOCK), may_write)
        try:
            there = await spaces.are_there(generation)
            if not there and not make:
                raise SpacesDamaged(f"the tables of generation {generation} are not there")
            try:
                if there:
                    await spaces.use(generation)
            except SpacesDamaged:  # another process may just be making them: it holds the lock until they are whole
                if not make:
                    raise
                there = False
            if not there:
                async with spaces.writing():
                    await spaces.use(generation)
            yield spaces
        finally:
            spaces._database.close()

    @asynccontextmanager
    async def writing(self, *, patience: float | None = None) -> AsyncIterator[None]:
        """Holds the write lock: one process at a time adds or removes rows. `patience` as for `ProcessLock.held`."""
        await self._may_write()
        async with self._write_lock.held(patience=patience):
            yield

    async def are_there(self, generation: int) -> bool:
        """Whether that generation has its tables."""
        with our_errors():
            tables = (await self._database.list_tables()).tables
        return all(f"{space}_{generation}" in tables for space in SPACES)

    async def use(self, generation: int, *, embedder: str = "") -> None:
        """Searches that generation from now on, made with that embedder ("": the same); needs the write lock.

        Makes its tables if they are missing.
        """
        loaded = await anyio.to_thread.run_sync(load_embedder, embedder) if embedder else self.embedder
        self.damage, self.lacking = None, ""
        with our_errors():
            tables = {space: await self._table(f"{space}_{generation}", loaded) for space in SPACES}
        self._tables, self.embedder, self.generation = tables, loaded, generation

    async def renew(self, data: Path) -> None:
        """Opens the tables anew, without what the caches hold of indexes that compacting has replaced.

        Each of these keeps its files open, though they are removed, until the cache is full. Searches under way go on
        with the tables that they began with.
        """
        generation = self.generation
        database = await connected(data)
        with our_errors():
            tables = {space: await database.open_table(f"{space}_{generation}") for space in SPACES}
        if self.generation == generation:
            self._database, self._tables = database, tables

    async def keep_only(self, generations: Collection[int]) -> None:
        """Drops the tables of every other generation."""
        with our_errors():
            for name in (await self._database.list_tables()).tables:
                if int(name.rpartition("_")[2]) not in generations:
                    await self._database.drop_table(name)

    async def add(self, space: Space, items: Sequence[IndexedItem]) -> None:
        """Adds rows. Needs the write lock; a row that is there already would stand twice."""
        if not items:
            return
        rows = await anyio.to_thread.run_sync(rows_of, items, self.embedder)
        await retried(lambda: self._tables[space].add(rows))

    async def remove(self, space: Space, ids: Iterable[ItemId]) -> None:
        """Removes rows. Needs the write lock."""
        doomed = list(ids)
        if doomed:
            await retried(lambda: self._tables[space].delete(one_of(doomed)))

    @property
    def answering(self) -> Answering:
        """What a search is answered by now."""
        return self.generation, self.resident.loaded

    async def search(self, space: Space, *, text: str, vector: Vectors, where: Filter) -> Legs:
        """The best 100 rows of each leg. `vector` has shape (dimension,)."""
        predicate = predicate_of(where)
        found: dict[str, dict[ItemId, float]] = {}

        async def text_leg() -> None:
            matching = await self.resident.matching(space, text, limit=LEG_LIMIT, where=where)
            if matching is not None:
                found["text"] = matching
                return
            query = self._tables[space].query().nearest_to_text(MatchQuery(text, "text")).select(["id", "_score"])
            found["text"] = await scores_of(query, predicate, "_score", lambda score: score)

        async def vector_leg() -> None:
            near = await self.resident.nearest(space, vector.reshape(1, -1), limit=LEG_LIMIT, where=where)
            if near is not None:
                found["vector"] = near[0]
                return
            query = self._tables[space].query().nearest_to(vector).distance_type("cosine").select(["id", "_distance"])
            query = query.nprobes(PROBES).refine_factor(REFINE_FACTOR)  # without an index neither matters
            found["vector"] = await scores_of(query, predicate, "_distance", lambda distance: 1.0 - distance)

        legs = [leg for leg, asked in ((vector_leg, vector.any()), (text_leg, text)) if asked]
        if self.resident.at_once(space):
            for leg in legs:
                await leg()
        else:
            async with anyio.create_task_group() as beside:
                for leg in legs:
                    beside.start_soon(leg)
        return Legs(text=found.get("text", {}), vector=found.get("vector", {}))

    async def nearest_to_many(
        self, space: Space, items: Sequence[IndexedItem], *, limit: int, where: Filter
    ) -> dict[ItemId, dict[ItemId, float]]:
        """For each of the items, the cosines of the `limit` rows nearest to it but itself: one search for them all."""
        if not items:
            return {}
        vectors = vectors_of(items, self.embedder)
        near = await self.resident.nearest(space, vectors, limit=limit + 1, where=where)
        if near is not None:
            return {
                item.id: {other: cosine for other, cosine in found.items() if other != item.id}
                for item, found in zip(items, near, strict=True)
            }
        query = self._tables[space].query().nearest_to(list(vectors)).distance_type("cosine")
        query = query.nprobes(PROBES).refine_factor(REFINE_FACTOR)
        if predicate := predicate_of(where):
            query = query.where(predicate)
        with our_errors():
            rows = await query.select(["id", "_distance"]).limit(limit + 1).to_arrow()
        found: dict[ItemId, dict[ItemId, float]] = {item.id: {} for item in items}
        # A single vector is no list of vectors to LanceDB: then there is no such column.
        places = rows["query_index"].to_pylist() if "query_index" in rows.column_names else [0] * len(rows)
        for place, other, distance in zip(places, rows["id"].to_pylist(), rows["_distance"].to_pylist(), strict=True):
            if other != items[place].id:
                found[items[place].id][ItemId(other)] = 1.0 - distance
        return found

    async def present(self, space: Space, among: Collection[ItemId]) -> set[ItemId]:
        """Those of the items that have a row in the space."""
        if not among:
            return set()
        with our_errors():
            rows = await self._tables[space].query().where(one_of(among)).select(["id"]).to_arrow()
        return {ItemId(item) for item in rows["id"].to_pylist()}

    async def ids(self, space: Space) -> list[ItemId]:
        """The id of every row, as often as it stands there."""
        with our_errors():
            rows = await self._tables[space].query().select(["id"]).to_arrow()
        return [ItemId(item) for item in rows["id"].to_pylist()]

    async def snapshot(self, space: Space, generation: int) -> AsyncIterator[Any]:
        """Every row of that generation as it is now, in slices (pyarrow record batches)."""
        with our_errors():
            # A table of its own, which no commit moves on. Taking rows by their places needs less memory than a scan.
            table = await self._database.open_table(f"{space}_{generation}")
            await table.checkout(await table.version())
            rows = await table.count_rows()
        for start in range(0, rows, _SLICE):
            with our_errors():
                places = list(range(start, min(start + _SLICE, rows)))
                taken = await table.take_offsets(places).select(_COLUMNS).to_arrow()
            for part in taken.to_batches():
                yield part

    async def contents(self, space: Space, among: Collection[ItemId] = ()) -> AsyncIterator[Any]:
        """Every row whole, or those of some items, in slices (pyarrow record batches)."""
        query = self._tables[space].query().select(_COLUMNS)
        if among:
            query = query.where(one_of(among))
        with our_errors():
            batches = await query.to_batches(max_batch_length=_SLICE)
        while True:
            with our_errors():
                rows = await anext(batches, None)
            if rows is None:
                return
            yield rows

    async def version(self, space: Space) -> int:
        """The table's version; every commit of any process adds one."""
        with our_errors():
            return int(await self._tables[space].version())

    async def optimize(self, space: Space) -> None:
        """Compacts the table, brings its indexes up to date, forgets versions older than half a minute."""
        await retried(lambda: self._tables[space].optimize(cleanup_older_than=_RETENTION))

    async def rows(self, space: Space) -> int:
        """How many rows the table has."""
        with our_errors():
            return int(await self._tables[space].count_rows())

    async def index(self, space: Space) -> None:
        """Makes the indexes that a table of its size wants and does not have yet; smaller ones are scanned exactly.

        A vector index is made anew once it is in many parts, or the table has more than doubled at once.
        """
        await index_as_needed(self._tables[space], space)

    async def _table(self, name: str, embedder: Embedder) -> Any:  # noqa: ANN401  LanceDB's table has no public type that we need
        if name in (await self._database.list_tables()).tables:
            return await self._database.open_table(name)
        await self._may_write()
        self.lacking = FILLING
        return await made_table(self._database, name, embedder.dimension)
