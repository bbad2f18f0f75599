"""The two knowledge spaces in LanceDB: what is searched, with text, vector and filter columns.

A row here that the ledger does not know does not exist, and both tables can be made anew from the ledger.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import anyio.to_thread

from fleetlore.storage.embedding import Embedder, Vectors
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.lance import MatchQuery
from fleetlore.storage.records import Space
from fleetlore.storage.resident import Loaded, ResidentSpaces
from fleetlore.storage.rows import IndexedItem
from fleetlore.storage.search import LEG_LIMIT, Filter, Legs
from fleetlore.storage.space_faults import our_errors, retried
from fleetlore.storage.space_generation import Generation
from fleetlore.storage.space_tables import SLICE, index_as_needed, one_of, scores_of, slices_of
from fleetlore.storage.table_rows import predicate_of, rows_of, vectors_of

# What a search is answered by: the tables of a generation, or what is in memory of it.
Answering: TypeAlias = tuple[int, Loaded | None]

# On 2 cores, with nearly a million vectors of real lessons and of their like, an index built in 18 s of processor time:
# recall@10 .976 at 23 ms; with 32 and 8 .963, and more probes alone add nothing. With 100,000 rows .99 and more.
PROBES = 48
REFINE_FACTOR = 10
_COLUMNS = ["id", "text", "vector", "owner", "task_type", "tags"]
# A commit leaves a manifest of 3 to 80 KB, and compacting reads all that are kept: both want few. A search is over in
# a second; who was stopped in the midst of one for longer than this asks again.
_RETENTION = timedelta(seconds=30)


class KnowledgeSpaces(Generation):
    """Both spaces, as they are searched. Adding needs the write lock; searching needs nothing."""

    def __init__(
        self, data: Path, embedder: Embedder, generation: int, may_write: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(data, embedder, generation, may_write)
        self.resident = ResidentSpaces(self)

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
        if not self.has_tables and not self.resident.answers():
            return Legs(text={}, vector={})
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
        return set(await self.ids(space, among)) if among else set()

    async def ids(self, space: Space, among: Collection[ItemId] = ()) -> list[ItemId]:
        """The id of every row, or of the rows of some items, as often as it stands there."""
        return [ItemId(item) async for rows in self._rows(space, ["id"], among) for item in rows["id"].to_pylist()]

    async def snapshot(self, space: Space, generation: int) -> AsyncIterator[Any]:
        """Every row of that generation as it is now, in slices (pyarrow record batches); none where no table is."""
        if not self.has_tables:
            return
        async for part in slices_of(await self._connected(), f"{space}_{generation}", _COLUMNS):
            yield part

    def contents(self, space: Space, among: Collection[ItemId] = ()) -> AsyncIterator[Any]:
        """Every row whole, or those of some items, in slices (pyarrow record batches)."""
        return self._rows(space, _COLUMNS, among)

    async def _rows(self, space: Space, columns: list[str], among: Collection[ItemId]) -> AsyncIterator[Any]:
        query = self._tables[space].query().select(columns)
        if among:
            query = query.where(one_of(among))
        with our_errors():
            batches = await query.to_batches(max_batch_length=SLICE)
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
