"""The two knowledge spaces in LanceDB: what is searched, with text, vector and filter columns.

A row here that the ledger does not know does not exist, and both tables can be made anew from the ledger. Tables are
named `general_<generation>` and `prompt_<generation>`; a rebuild fills the next generation while this one answers.
This is the only module that knows LanceDB.
"""

import ctypes
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread
import lancedb
from lancedb.expr import col, lit
from lancedb.index import FTS, BTree, IvfRq
from lancedb.query import MatchQuery

from fleetlore.storage.embedding import Embedder, Vectors, load_embedder
from fleetlore.storage.errors import SpacesDamaged
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.locks import WRITE_LOCK, ProcessLock
from fleetlore.storage.records import SPACES, Space
from fleetlore.storage.resident import ResidentVectors
from fleetlore.storage.rows import IndexedItem
from fleetlore.storage.search import FILLING, LEG_LIMIT, Filter, Legs
from fleetlore.storage.space_faults import our_errors, retried
from fleetlore.storage.table_rows import predicate_of, rows_of, schema_of, vectors_of

ResultT = TypeVar("ResultT")

LANCEDB_VERSION: str = lancedb.__version__

# Below these sizes a scan is as fast and exact: a filter by owner costs 26 ms at 20,000 rows and 10 with its index; a
# vector index of IVF with RaBitQ is built in 1.4 s at 100,000 rows and finds .988 of the true neighbours so.
OWNER_INDEX_FROM = 5_000
VECTOR_INDEX_FROM = 20_000
# On 2 cores, with nearly a million vectors of real lessons and of their like, an index built in 18 s of processor time:
# recall@10 .976 at 23 ms; with 32 and 8 .963, and more probes alone add nothing. With 100,000 rows .99 and more.
PROBES = 48
REFINE_FACTOR = 10
_SLICE = 8_192
_CACHE_BYTES = 64 << 20
# A commit leaves a manifest of 3 to 80 KB, and compacting reads all that are kept: both want few. A search is over in
# a second; who was stopped in the midst of one for longer than this asks again.
_RETENTION = timedelta(minutes=1)
# What is added to a vector index makes a further one beside it, each of which is searched.
_MOST_VECTOR_INDEXES = 24

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # parameters of glibc's mallopt
_HEAPS = 2
_LARGE_BLOCK = 1 << 20


def _give_memory_back() -> None:
    """Lets what LanceDB's threads have freed go back to the system, where the C library can.

    Otherwise each thread has a heap of its own, and large buffers are kept in them: 80 MB and more at 100,000 items.
    """
    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(_ARENA_MAX, _HEAPS)
        mallopt(_MMAP_THRESHOLD, _LARGE_BLOCK)


_give_memory_back()


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
        self.resident = ResidentVectors(self)

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
        with our_errors():
            database = await lancedb.connect_async(
                str(data / "spaces"),
                read_consistency_interval=timedelta(0),
                # The default caches may grow to 7 GB, and every commit makes what they hold useless.
                session=lancedb.Session(index_cache_size_bytes=_CACHE_BYTES, metadata_cache_size_bytes=_CACHE_BYTES),
            )
        try:
            spaces = cls(database, embedder, ProcessLock(data / WRITE_LOCK), may_write)
            if await spaces.are_there(generation):
                await spaces.use(generation)
            elif not make:
                raise SpacesDamaged(f"the tables of generation {generation} are not there")
            else:
                async with spaces.writing():
                    await spaces.use(generation)
            yield spaces
        finally:
            database.close()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Holds the write lock: one process at a time adds or removes rows."""
        await self._may_write()
        async with self._write_lock.held():
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
        rows = rows_of(items, self.embedder)
        await retried(lambda: self._tables[space].add(rows))

    async def remove(self, space: Space, ids: Iterable[ItemId]) -> None:
        """Removes rows. Needs the write lock."""
        doomed = list(ids)
        if doomed:
            await retried(lambda: self._tables[space].delete(_one_of(doomed)))

    async def search(self, space: Space, *, text: str, vector: Vectors, where: Filter) -> Legs:
        """The best 100 rows of each leg, side by side. `vector` has shape (dimension,)."""
        found: dict[str, dict[ItemId, float]] = {}
        predicate = predicate_of(where)

        async def text_leg() -> None:
            query = self._tables[space].query().nearest_to_text(MatchQuery(text, "text")).select(["id", "_score"])
            found["text"] = await _scores(query, predicate, "_score", lambda score: score)

        async def vector_leg() -> None:
            near = await self.resident.nearest(space, vector.reshape(1, -1), limit=LEG_LIMIT, where=where)
            if near is not None:
                found["vector"] = near[0]
                return
            query = self._tables[space].query().nearest_to(vector).distance_type("cosine").select(["id", "_distance"])
            query = query.nprobes(PROBES).refine_factor(REFINE_FACTOR)  # without an index neither matters
            found["vector"] = await _scores(query, predicate, "_distance", lambda distance: 1.0 - distance)

        async with anyio.create_task_group() as legs:
            if text:
                legs.start_soon(text_leg)
            if vector.any():
                legs.start_soon(vector_leg)
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

    async def ids(self, space: Space) -> list[ItemId]:
        """The id of every row, as often as it stands there."""
        with our_errors():
            rows = await self._tables[space].query().select(["id"]).to_arrow()
        return [ItemId(item) for item in rows["id"].to_pylist()]

    async def vectors(self, space: Space) -> AsyncIterator[tuple[list[ItemId], Vectors]]:
        """Every row's id and vector as they are now, in slices."""
        with our_errors():
            # A table of its own, which no commit moves on. Taking rows by their places needs less memory than a scan.
            table = await self._database.open_table(f"{space}_{self.generation}")
            await table.checkout(await table.version())
            rows = await table.count_rows()
            for start in range(0, rows, _SLICE):
                places = list(range(start, min(start + _SLICE, rows)))
                for part in (await table.take_offsets(places).select(["id", "vector"]).to_arrow()).to_batches():
                    vectors = part["vector"].flatten().to_numpy().reshape(-1, self.embedder.dimension)
                    yield [ItemId(item) for item in part["id"].to_pylist()], vectors

    async def contents(self, space: Space, among: Collection[ItemId] = ()) -> AsyncIterator[Any]:
        """Every row whole, or those of some items, in slices (pyarrow record batches)."""
        query = self._tables[space].query().select(["id", "text", "vector", "owner", "task_type", "tags"])
        if among:
            query = query.where(_one_of(among))
        with our_errors():
            async for rows in await query.to_batches(max_batch_length=_SLICE):
                yield rows

    async def version(self, space: Space) -> int:
        """The table's version; every commit of any process adds one."""
        with our_errors():
            return int(await self._tables[space].version())

    async def optimize(self, space: Space) -> None:
        """Compacts the table, brings its indexes up to date, forgets versions older than a minute."""
        await retried(lambda: self._tables[space].optimize(cleanup_older_than=_RETENTION))

    async def rows(self, space: Space) -> int:
        """How many rows the table has."""
        with our_errors():
            return int(await self._tables[space].count_rows())

    async def index(self, space: Space) -> None:
        """Makes the indexes that a table of its size wants and does not have yet; smaller ones are scanned exactly.

        A vector index is made anew once it is in many parts, or the table has more than doubled at once.
        """
        table = self._tables[space]
        with our_errors():
            rows = await table.count_rows()
            indexed = {index.columns[0]: index.name for index in await table.list_indices()}
            wanted: dict[str, BTree | IvfRq] = {}
            if space == "prompt" and rows >= OWNER_INDEX_FROM and "owner" not in indexed:
                wanted["owner"] = BTree()
            if rows >= VECTOR_INDEX_FROM and ("vector" not in indexed or await _outworn(table, indexed["vector"])):
                wanted["vector"] = IvfRq(distance_type="cosine")
        for column, config in wanted.items():
            await retried(partial(table.create_index, column, config=config))

    async def _table(self, name: str, embedder: Embedder) -> Any:  # noqa: ANN401  LanceDB's table has no public type that we need
        if name in (await self._database.list_tables()).tables:
            return await self._database.open_table(name)
        await self._may_write()
        self.lacking = FILLING
        table = await self._database.create_table(name, schema=schema_of(embedder.dimension))
        index = FTS(base_tokenizer="simple", stem=True, remove_stop_words=False, with_position=False)
        await table.create_index("text", config=index)
        return table


def generations_in(data: Path) -> list[int]:
    """The generations of which there are tables in a data directory, or were begun; 0 where there are none."""
    return [0, *(int(name.stem.rpartition("_")[2]) for name in (data / "spaces").glob("*_*.lance"))]


async def _outworn(table: Any, index: str) -> bool:  # noqa: ANN401  as above
    """Whether a vector index is in many parts, or holds less than half of the rows."""
    found = await table.index_stats(index)
    return found is not None and (
        (found.num_indices or 1) > _MOST_VECTOR_INDEXES or found.num_unindexed_rows > found.num_indexed_rows
    )


def _one_of(ids: Collection[ItemId]) -> str:
    predicate: str = col("id").isin([lit(item) for item in ids]).to_sql()
    return predicate


async def _scores(
    query: Any,  # noqa: ANN401  LanceDB's query builders share no public type
    where: str,
    column: str,
    score: Callable[[float], float],
) -> dict[ItemId, float]:
    if where:
        query = query.where(where)
    with our_errors():
        rows = await query.limit(LEG_LIMIT).to_arrow()
    return {
        ItemId(item): score(value) for item, value in zip(rows["id"].to_pylist(), rows[column].to_pylist(), strict=True)
    }
