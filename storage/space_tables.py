"""Tables of the knowledge spaces: connected to, made, and indexed as their size wants it."""

from collections.abc import AsyncIterator, Callable, Collection
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.lance import FTS, BTree, IvfRq, col, lancedb, lit
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import Space
from fleetlore.storage.row_changes import NONE_YET
from fleetlore.storage.search import LEG_LIMIT
from fleetlore.storage.space_faults import our_errors, retried
from fleetlore.storage.table_rows import schema_of
from fleetlore.storage.words import TOKENIZER

LANCEDB_VERSION: str = lancedb.__version__

# Below these sizes a scan is as fast and exact: a filter by owner costs 26 ms at 20,000 rows and 10 with its index; a
# vector index of IVF with RaBitQ is built in 1.4 s at 100,000 rows and finds .988 of the true neighbours so.
OWNER_INDEX_FROM = 5_000
VECTOR_INDEX_FROM = 20_000
_CACHE_BYTES = 64 << 20
SLICE = 8_192
FOLDER = "spaces"
# What is added to a vector index makes a further one beside it, each of which is searched.
_MOST_VECTOR_INDEXES = 24


def generations_in(data: Path) -> list[int]:
    """The generations of which there are tables in a data directory, or were begun; 0 where there are none."""
    return [0, *(int(name.stem.rpartition("_")[2]) for name in (data / FOLDER).glob("*_*.lance"))]


async def none_yet(view: LedgerView, data: Path, generation: int) -> bool:
    """Whether no server has made the tables of that generation yet: they were not there when anything was told."""
    return generation not in generations_in(data) and await view.followed(generation) == NONE_YET


async def connected(data: Path) -> lancedb.AsyncConnection:
    """A connection to the tables in a data directory, with caches of its own."""
    with our_errors():
        return await lancedb.connect_async(
            str(data / FOLDER),
            read_consistency_interval=timedelta(0),
            # The default caches may grow to 7 GB, and every commit makes what they hold useless.
            session=lancedb.Session(index_cache_size_bytes=_CACHE_BYTES, metadata_cache_size_bytes=_CACHE_BYTES),
        )


async def made_table(database: lancedb.AsyncConnection, name: str, dimension: int) -> Any:  # noqa: ANN401  LanceDB's table has no public type that we need
    """A new table for vectors of that dimension, with its text index."""
    table = await database.create_table(name, schema=schema_of(dimension))
    index = FTS(**TOKENIZER, with_position=False)
    await table.create_index("text", config=index)
    return table


async def slices_of(database: lancedb.AsyncConnection, name: str, columns: list[str]) -> AsyncIterator[Any]:
    """Every row of a table as it is now, in slices (pyarrow record batches)."""
    with our_errors():
        # A table of its own, which no commit moves on. Taking rows by their places needs less memory than a scan.
        table = await database.open_table(name)
        await table.checkout(await table.version())
        rows = await table.count_rows()
    for start in range(0, rows, SLICE):
        with our_errors():
            places = list(range(start, min(start + SLICE, rows)))
            taken = await table.take_offsets(places).select(columns).to_arrow()
        for part in taken.to_batches():
            yield part


async def index_as_needed(table: Any, space: Space) -> None:  # noqa: ANN401  as above
    """Makes the indexes that a table of its size wants and does not have yet; smaller ones are scanned exactly.

    A vector index is made anew once it is in many parts, or the table has more than doubled at once.
    """
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


async def _outworn(table: Any, index: str) -> bool:  # noqa: ANN401  as above
    """Whether a vector index is in many parts, or holds less than half of the rows."""
    found = await table.index_stats(index)
    return found is not None and (
        (found.num_indices or 1) > _MOST_VECTOR_INDEXES or found.num_unindexed_rows > found.num_indexed_rows
    )


def one_of(ids: Collection[ItemId]) -> str:
    """The filter that lets the rows of these items through."""
    predicate: str = col("id").isin([lit(item) for item in ids]).to_sql()
    return predicate


async def scores_of(
    query: Any,  # noqa: ANN401  LanceDB's query builders share no public type
    where: str,
    column: str,
    score: Callable[[float], float],
) -> dict[ItemId, float]:
    """The `LEG_LIMIT` best rows that a query finds among those that match, each with the score of its column."""
    if where:
        query = query.where(where)
    with our_errors():
        rows = await query.limit(LEG_LIMIT).to_arrow()
    return {
        ItemId(item): score(value) for item, value in zip(rows["id"].to_pylist(), rows[column].to_pylist(), strict=True)
    }
