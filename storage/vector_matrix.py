"""Vectors in memory, by row: the exact cosines of a question with all of them, in one product of a matrix.

Rows are only ever added at the end: who computes in another thread goes on with what he sees, whatever comes meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fleetlore.storage.best import best_of

if TYPE_CHECKING:
    from fleetlore.storage.best import Values
    from fleetlore.storage.embedding import Vectors
    from fleetlore.storage.postings import Rows

# Slices double up to the last size, so that growing copies nothing and never asks for more than 8 MB (of 256 numbers).
_FIRST_SLICE, _LAST_SLICE = 256, 8_192
_QUESTIONS_AT_ONCE = 32
# A core by itself does not read as fast as memory can be read: so many slices are shared with another.
_SHARED_FROM = 8
# Fetching a row from where it lies takes about as long as going over so many of them.
_LOOKUP = 4

_threads = ThreadPoolExecutor(2, thread_name_prefix="product")


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixView:
    """The matrix as it was when it was asked for."""

    slices: Sequence[Vectors]
    rows: int

    def nearest(self, vectors: Vectors, limit: int, among: Rows | None = None) -> list[tuple[Rows, Values]]:
        """For each of the vectors, of shape (questions, dimension), the `limit` nearest rows and cosines, best first.

        Of all rows, or of some in ascending order.
        """
        if among is None or len(among) * _LOOKUP >= self.rows:
            return [_best(cosines, limit, among) for cosines in self._cosines(vectors)]
        few = MatrixView(slices=[self._of(among)], rows=len(among))
        return [(among[rows], cosines) for rows, cosines in few.nearest(vectors, limit)]

    def _cosines(self, vectors: Vectors) -> Iterator[Vectors]:
        for start in range(0, len(vectors), _QUESTIONS_AT_ONCE):
            questions = vectors[start : start + _QUESTIONS_AT_ONCE]
            cosines = np.empty((len(questions), self.rows), dtype=np.float32)
            begins = np.cumsum([0, *(len(part) for part in self.slices)]).tolist()

            def multiply(part: Vectors, began: int, questions: Vectors = questions, into: Vectors = cosines) -> None:
                known = part[: self.rows - began]
                # The other way round it takes 1.6 times as long.
                into[:, began : began + len(known)] = (known @ questions.T).T

            over = map if len(self.slices) < _SHARED_FROM else _threads.map
            for _ in over(multiply, self.slices, begins):
                pass
            yield from cosines

    def _of(self, rows: Rows) -> Vectors:
        begins = np.cumsum([0, *(len(part) for part in self.slices)])
        cuts = np.searchsorted(rows, begins).tolist()
        parts = zip(self.slices, begins.tolist(), cuts, cuts[1:], strict=False)
        return np.concatenate([part[rows[cut:end] - begin] for part, begin, cut, end in parts])


def _best(cosines: Vectors, limit: int, among: Rows | None) -> tuple[Rows, Values]:
    if among is not None:
        everywhere, cosines = cosines, np.full_like(cosines, -np.inf)
        cosines[among] = everywhere[among]
    found = best_of(cosines, limit)
    found = found[cosines[found] > -np.inf]
    return found, cosines[found]


class VectorMatrix:
    """The vectors of rows, of one dimension each."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._slices: list[Vectors] = []
        self._rows = 0
        self._room = 0

    def append(self, vectors: Vectors) -> None:
        """Adds vectors, of shape (rows, dimension), each in the row behind the last."""
        done = 0
        while done < len(vectors):
            if self._rows == self._room:
                size = min(max(self._room, _FIRST_SLICE), _LAST_SLICE)
                self._slices.append(np.empty((size, self._dimension), dtype=np.float32))
                self._room += size
            free = self._slices[-1][self._rows - self._room :]
            part = vectors[done : done + len(free)]
            free[: len(part)] = part
            self._rows += len(part)
            done += len(part)

    def view(self) -> MatrixView:
        """What to ask, here or in another thread."""
        return MatrixView(slices=tuple(self._slices), rows=self._rows)

    def keep(self, kept: Rows) -> None:
        """Keeps these rows alone, in order, numbered anew."""
        slices, begin = self._slices, 0
        self._slices, self._rows, self._room = [], 0, 0
        while slices:
            part = slices.pop(0)
            first, last = np.searchsorted(kept, [begin, begin + len(part)])
            self.append(part[kept[first:last] - begin])
            begin += len(part)
