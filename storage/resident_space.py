"""One knowledge space in memory: what its rows are filtered by, their words and their vectors, row by row.

Rows are only ever added at the end, and what is taken out is marked: who computes in another thread goes on with what
he sees, whatever comes meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.postings import Postings, Rows, rows_in
from fleetlore.storage.search import Filter
from fleetlore.storage.table_rows import HeldRows, Name, names_in
from fleetlore.storage.vector_matrix import MatrixView, VectorMatrix
from fleetlore.storage.word_index import WordIndex, WordView

if TYPE_CHECKING:
    from fleetlore.storage.best import Values
    from fleetlore.storage.embedding import Vectors

# What was taken out still takes part in every search: it goes when it is that share of all, and more than a few.
_DEAD_SHARE, _DEAD_ROWS = 8, 256
_BYTES_OF_A_NUMBER = 4
_NO_ROWS: Rows = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True, slots=True)
class SpaceView:
    """The space as it was when it was asked for."""

    ids: Sequence[ItemId]  # may have grown since
    rows: int
    dead: Rows
    names: Postings[Name]
    words: WordView | None  # None where there are more than memory is meant for
    vectors: MatrixView

    def among(self, where: Filter) -> Rows | None:
        """The rows that match, in ascending order; None where every row that was not taken out does."""
        if where == Filter():
            return None
        found = [rows_in(self.names.below(name, self.rows)) for name in names_in(where)]
        common = reduce(lambda one, other: np.intersect1d(one, other, assume_unique=True), sorted(found, key=len))
        return self._living(common) if len(self.dead) else common

    def matching(self, words: WordView, text: str, limit: int, among: Rows | None) -> dict[ItemId, float]:
        """The BM25 scores of the `limit` best rows for a text."""
        return self._by_item(*words.best(text, limit, among))

    def nearest(self, vectors: Vectors, limit: int, among: Rows | None) -> list[dict[ItemId, float]]:
        """For each of the vectors, of shape (questions, dimension), the cosines of the `limit` nearest, best first."""
        if among is None and len(self.dead):
            among = self._living(np.arange(self.rows))
        return [self._by_item(*found) for found in self.vectors.nearest(vectors, limit, among)]

    def _living(self, rows: Rows) -> Rows:
        living = np.ones(self.rows, dtype=np.bool_)
        living[self.dead] = False
        return rows[living[rows]]

    def _by_item(self, rows: Rows, values: Values) -> dict[ItemId, float]:
        return {self.ids[row]: value for row, value in zip(rows.tolist(), values.tolist(), strict=True)}


class ResidentSpace:
    """The rows of a space, with vectors of that dimension."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._ids: list[ItemId] = []
        self._rows: dict[ItemId, int] = {}
        self._dead = _NO_ROWS
        self._names: Postings[Name] = Postings()
        self._words: WordIndex | None = WordIndex()
        self._vectors = VectorMatrix(dimension)

    def __len__(self) -> int:
        return len(self._rows)

    def ids(self) -> set[ItemId]:
        """Whose rows are here."""
        return set(self._rows)

    @property
    def bytes(self) -> int:
        """About what vectors and names take of memory."""
        return self._names.bytes + len(self) * self._dimension * _BYTES_OF_A_NUMBER

    @property
    def bytes_of_words(self) -> int:
        """About what the words take of memory."""
        return self._words.bytes if self._words else 0

    @property
    def holds_words(self) -> bool:
        """Whether words are looked up here."""
        return self._words is not None

    def drop_words(self) -> None:
        """Forgets the words for good: `matching` answers nothing any more."""
        self._words = None

    def put(self, held: HeldRows) -> None:
        """Adds rows, in place of what was known of the same items."""
        places = {item: place for place, item in enumerate(held.ids)}  # of doubles the last
        self.discard(places)
        first, chosen = len(self._ids), list(places.values())
        self._names.append([list(held.names[place]) for place in chosen], first)
        if self._words is not None:
            self._words.append([held.texts[place] for place in chosen])
        self._vectors.append(held.vectors[chosen])
        self._ids += places
        self._rows.update(zip(places, range(first, len(self._ids)), strict=True))

    def discard(self, ids: Iterable[ItemId]) -> None:
        """Takes out those of the items that are here."""
        gone = [self._rows.pop(item) for item in ids if item in self._rows]
        if gone:
            self._dead = np.append(self._dead, gone)
        if len(self._dead) > max(_DEAD_ROWS, len(self._ids) // _DEAD_SHARE):
            self._compact()

    def view(self) -> SpaceView:
        """What to ask, here or in another thread."""
        return SpaceView(
            ids=self._ids,
            rows=len(self._ids),
            dead=self._dead,
            names=self._names,
            words=None if self._words is None else self._words.view(self._dead),
            vectors=self._vectors.view(),
        )

    def _compact(self) -> None:
        kept = np.delete(np.arange(len(self._ids)), self._dead)
        self._names = self._names.only(kept, len(self._ids))
        if self._words is not None:
            self._words.keep(kept)
        self._vectors.keep(kept)
        self._ids = [self._ids[row] for row in kept.tolist()]
        self._rows = {item: row for row, item in enumerate(self._ids)}
        self._dead = _NO_ROWS
