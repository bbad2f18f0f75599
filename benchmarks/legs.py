"""The two legs of a hybrid search on their own, straight on LanceDB: what the store can do without a server."""

from __future__ import annotations

import library_environment  # noqa: F401

# isort: split
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import lancedb
import numpy as np
import numpy.typing as npt
import wordllama
from lancedb.index import FTS
from lancedb.query import MatchQuery

from fleetlore.storage.spaces import PROBES, REFINE_FACTOR

Vector = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float32]

DIMENSION = 256


class Embedder:
    """The server's default model, bare."""

    def __init__(self) -> None:
        self._model = wordllama.WordLlama.load(
            dim=DIMENSION, cache_dir=Path(wordllama.__file__).parent, disable_download=True
        )

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of the shape (len(texts), 256)."""
        return np.asarray(self._model.embed(list(texts), norm=True), dtype=np.float32)


@asynccontextmanager
async def table_of(texts: Sequence[str], vectors: Vectors) -> AsyncIterator[lancedb.AsyncTable]:
    """Make a temporary table with a text index; the id of a row is the place of its text."""
    rows = [
        {"id": str(place), "text": text, "vector": vector}
        for place, (text, vector) in enumerate(zip(texts, vectors.tolist(), strict=True))
    ]
    with TemporaryDirectory(prefix="legs-") as folder:
        database = await lancedb.connect_async(folder)
        table = await database.create_table("lessons", rows)
        index = FTS(base_tokenizer="simple", stem=True, remove_stop_words=False, with_position=False)
        await table.create_index("text", config=index)
        yield table
        database.close()  # type: ignore[no-untyped-call, unused-ignore]


async def newest_general_table(data: Path) -> lancedb.AsyncTable:
    """Open the table of the general space in a server's data folder, seeing what the server writes."""
    database = await lancedb.connect_async(data / "spaces", read_consistency_interval=timedelta(0))
    names = [path.stem for path in (data / "spaces").glob("general_*.lance")]
    return await database.open_table(max(names, key=lambda name: int(name.removeprefix("general_"))))


async def text_leg(table: lancedb.AsyncTable, query: str, limit: int) -> list[str]:
    """Return the ids of the best rows by BM25, best first."""
    match = MatchQuery(query, "text")  # type: ignore[call-arg, unused-ignore]  # has defaults that mypy cannot see
    search = table.query().nearest_to_text(match).select(["id", "_score"]).limit(limit)
    ids: list[str] = (await search.to_arrow()).column("id").to_pylist()
    return ids


async def vector_leg(table: lancedb.AsyncTable, vector: Vector, limit: int) -> list[str]:
    """Return the ids of the nearest rows by cosine, nearest first; with an index, as thoroughly as the server asks."""
    search = table.query().nearest_to(vector).distance_type("cosine").select(["id", "_distance"]).limit(limit)
    ids: list[str] = (await search.nprobes(PROBES).refine_factor(REFINE_FACTOR).to_arrow()).column("id").to_pylist()
    return ids


async def exact_leg(table: lancedb.AsyncTable, vector: Vector, limit: int) -> list[str]:
    """The same without any index."""
    search = table.query().nearest_to(vector).distance_type("cosine").bypass_vector_index()
    ids: list[str] = (await search.select(["id", "_distance"]).limit(limit).to_arrow()).column("id").to_pylist()
    return ids
