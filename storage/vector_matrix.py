"""Vectors in memory: the exact cosines of a question with all of them, in one product of a matrix.

Rows are only ever added at the end, and what is taken out is marked: who computes in another thread goes on with what
he sees, whatever comes meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fleetlore.storage.identifiers import ItemId

if TYPE_CHECKING:
    from fleetlore.storage.embedding import Vectors

# Slices double up to the last size, so that growing copies nothing and never asks for more than 8 MB (of 256 numbers).
_FIRST_SLICE, _LAST_SLICE = 256, 8_192
_QUESTIONS_AT_ONCE = 32
_BLOCK = 32
# What was taken out still takes part in every product: it goes when it is that share of all, and more than a few.
_DEAD_SHARE, _DEAD_ROWS = 8, 256


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixView:
    """The matrix as it was when it was asked for."""

    slices: Sequence[Vectors]
    ids: Sequence[ItemId]  # may have grown since
    rows: int
    dead: Sequence[int]

    def nearest(self, vectors: Vectors, limit: int) -> list[dict[ItemId, float]]:
        """For each of the vectors, of shape (questions, dimension), the cosines of the `limit` nearest, best first."""
        found: list[dict[ItemId, float]] = []
        for start in range(0, len(vectors), _QUESTIONS_AT_ONCE):
            questions = vectors[start : start + _QUESTIONS_AT_ONCE]
            found += [self._best(cosines, limit) for cosines in self._cosines(questions)]
        return found

    def _cosines(self, questions: Vectors) -> Vectors:
        cosines = np.empty((len(questions), self.rows), dtype=np.float32)
        began = 0
        for part in self.slices:
            known = part[: self.rows - began]
            # The other way round it takes 1.6 times as long.
            cosines[:, began : began + len(known)] = (known @ questions.T).T
            began += len(known)
        cosines[:, self.dead] = -np.inf
        return cosines

    def _best(self, cosines: Vectors, limit: int) -> dict[ItemId, float]:
        count = min(limit, self.rows - len(self.dead))
        if count <= 0:
            return {}
        best = _at_least_best(cosines, count)
        best = best[np.argsort(-cosines[best], kind="stable")[:count]]
        return {self.ids[row]: cosine for row, cosine in zip(best.tolist(), cosines[best].tolist(), strict=True)}


def _at_least_best(values: Vectors, count: int) -> npt.NDArray[np.intp]:
    """Where the `count` greatest values are, and perhaps some more.

    As many blocks have a value of at least what the last of the `count` best blocks has at most, so nothing below that
    is among the greatest: a pass over the values instead of partitioning them all, at an eighth of the time.
    """
    blocks = values[: len(values) // _BLOCK * _BLOCK].reshape(-1, _BLOCK).max(axis=1)
    if len(blocks) < count:
        return np.argpartition(values, -count)[-count:]
    found: npt.NDArray[np.intp] = np.nonzero(values >= np.partition(blocks, -count)[-count])[0]
    return found


class VectorMatrix:
    """The vectors of items, of one dimension each."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._slices: list[Vectors] = []
        self._ids: list[ItemId] = []
        self._rows: dict[ItemId, int] = {}
        self._dead: list[int] = []
        self._room = 0

    def __len__(self) -> int:
        return len(self._rows)

    def ids(self) -> set[ItemId]:
        """Whose vectors are here."""
        return set(self._rows)

    def put(self, ids: Sequence[ItemId], vectors: Vectors) -> None:
        """Adds vectors, of shape (ids, dimension), in place of what was known of the same items."""
        self.discard(ids)
        places = {item: place for place, item in enumerate(ids)}  # of doubles the last
        self._append(list(places), vectors[list(places.values())])

    def discard(self, ids: Iterable[ItemId]) -> None:
        """Takes out the vectors of those of the items that are here."""
        self._dead += [self._rows.pop(item) for item in ids if item in self._rows]
        if len(self._dead) > max(_DEAD_ROWS, len(self._ids) // _DEAD_SHARE):
            self._compact()

    def view(self) -> MatrixView:
        """What to ask, here or in another thread."""
        return MatrixView(slices=tuple(self._slices), ids=self._ids, rows=len(self._ids), dead=tuple(self._dead))

    def _append(self, ids: Sequence[ItemId], vectors: Vectors) -> None:
        done = 0
        while done < len(ids):
            if len(self._ids) == self._room:
                size = min(max(self._room, _FIRST_SLICE), _LAST_SLICE)
                self._slices.append(np.empty((size, self._dimension), dtype=np.float32))
                self._room += size
            free = self._slices[-1][len(self._ids) - self._room :]
            part = ids[done : done + len(free)]
            free[: len(part)] = vectors[done : done + len(part)]
            self._rows.update(zip(part, range(len(self._ids), len(self._ids) + len(part)), strict=True))
            self._ids += part
            done += len(part)

    def _compact(self) -> None:
        ids, slices, dead = self._ids, self._slices, set(self._dead)
        self._ids, self._slices, self._dead, self._room = [], [], [], 0
        began = 0
        while slices:
            part = slices.pop(0)
            kept = [row for row in range(began, min(began + len(part), len(ids))) if row not in dead]
            self._append([ids[row] for row in kept], part[[row - began for row in kept]])
            began += len(part)
