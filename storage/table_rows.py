"""The rows of a knowledge space's table: what of an item is searched by words and by vector, and its filters."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from fleetlore.storage.embedding import Embedder, Vectors, unit
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.rows import IndexedItem
from fleetlore.storage.search import LABEL, Filter, joined

# A task resembles the condition of a lesson more than the lesson. On Banking77 streams 0.1 is right .01 more often than
# 0.25 before and after a change of names (.5 costs two points); on paraphrases of technical lessons it costs .003 of
# hit@5. Some is needed where many lessons share one condition.
_INSIGHT_WEIGHT = 0.1

Name = tuple[str, str]  # what it is the name of, and the name


def rows_of(items: Sequence[IndexedItem], embedder: Embedder) -> pa.Table:
    """The rows of those items."""
    return pa.table(
        {
            "id": [item.id for item in items],
            "text": [searchable(item) for item in items],
            "vector": _vector_column(vectors_of(items, embedder), embedder.dimension),
            "owner": [_coded(item.owner) for item in items],
            "task_type": [_coded(item.task_type) for item in items],
            "tags": [[_coded(tag) for tag in item.tags] for item in items],
        },
        schema=schema_of(embedder.dimension),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldRows:
    """Rows as memory holds them: by which names each is filtered, its text and its vector."""

    ids: Sequence[ItemId]
    names: Sequence[frozenset[Name]]
    texts: Sequence[str]
    vectors: Vectors


def held_of(items: Sequence[IndexedItem], embedder: Embedder) -> HeldRows:
    """What memory holds of those items."""
    return HeldRows(
        ids=[item.id for item in items],
        names=[names_in(Filter(owner=item.owner, task_type=item.task_type, tags=item.tags)) for item in items],
        texts=[searchable(item) for item in items],
        vectors=vectors_of(items, embedder),
    )


def held_in(rows: pa.RecordBatch) -> HeldRows:
    """What memory holds of rows of a table."""
    owners, task_types, tags = (rows[column].to_pylist() for column in ("owner", "task_type", "tags"))
    return HeldRows(
        ids=[ItemId(item) for item in rows["id"].to_pylist()],
        names=[
            names_in(Filter(owner=_plain(owner), task_type=_plain(task_type), tags=tuple(map(_plain, some))))
            for owner, task_type, some in zip(owners, task_types, tags, strict=True)
        ],
        texts=rows["text"].to_pylist(),
        vectors=rows["vector"].flatten().to_numpy().reshape(len(rows), -1),
    )


def names_in(where: Filter) -> frozenset[Name]:
    """What a row of just that owner, sort of task and tags is filtered by, and what a filter asks for."""
    named = [("owner", where.owner), ("task_type", where.task_type), *(("tag", tag) for tag in where.tags)]
    return frozenset((kind, name) for kind, name in named if name)


def vectors_of(items: Sequence[IndexedItem], embedder: Embedder) -> Vectors:
    """The unit vectors of those items, of shape (items, dimension)."""
    conditions = embedder.embed([item.applies_when for item in items])
    # An answer is not what a task resembles: see `searchable`.
    insights = embedder.embed(
        [item.applies_when if LABEL.fullmatch(item.insight.strip()) else item.insight for item in items]
    )
    return unit((1 - _INSIGHT_WEIGHT) * conditions + _INSIGHT_WEIGHT * insights)


def searchable(item: IndexedItem) -> str:
    """What the text leg searches.

    The value of an insight of the form `name: value` is an answer: a task that shares a word with it is not like it, so
    the value is one word, found by who quotes it whole. On Banking77 with noise and drift that is worth .02, and it
    costs nothing without.
    """
    if label := LABEL.fullmatch(item.insight.strip()):
        return f"{item.applies_when}\n{label['name']} {joined(label['value'])}"
    return f"{item.applies_when}\n{item.insight}"


def predicate_of(where: Filter) -> str:
    """The filter as SQL; "" where everything matches."""
    parts = [f"owner = '{_coded(where.owner)}'"] if where.owner else []
    parts += [f"task_type = '{_coded(where.task_type)}'"] if where.task_type else []
    parts += [f"array_has(tags, '{_coded(tag)}')" for tag in where.tags]
    return " AND ".join(parts)


def schema_of(dimension: int) -> pa.Schema:
    """The columns of a table of vectors of that dimension."""
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("text", pa.string(), nullable=False),
            pa.field("vector", pa.list_(pa.float32(), dimension), nullable=False),
            pa.field("owner", pa.string(), nullable=False),
            pa.field("task_type", pa.string(), nullable=False),
            pa.field("tags", pa.list_(pa.string()), nullable=False),
        ]
    )


def _coded(name: str) -> str:
    """A name as the tables hold it, in hexadecimal digits: LanceDB's SQL has its own idea of quotes and backslashes."""
    return name.encode().hex()


def _plain(coded: str) -> str:
    return bytes.fromhex(coded).decode()


def _vector_column(vectors: Vectors, dimension: int) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), dimension)
