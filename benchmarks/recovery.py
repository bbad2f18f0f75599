"""How many tasks it takes a fleet to be as good as before, after its world has changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from accuracy import Run

WINDOW = 100
BEFORE = 500
TOLERANCE = 0.05


def mean_hits(runs: Sequence[Run]) -> npt.NDArray[np.float64]:
    """Return the share of seeds that answered each task rightly."""
    hits = np.array([run.hits for run in runs], dtype=np.float64)
    return np.asarray(hits.mean(axis=0))


def running(hits: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """Return the mean of every `window` tasks in a row; the first value is that of the first whole window."""
    return np.convolve(hits, np.full(window, 1 / window), mode="valid")


def recoveries(runs: Sequence[Run], turns: Sequence[int]) -> tuple[int | None, ...]:
    """Count, for each change, the tasks until a window of them comes within the tolerance of what was before.

    At the earliest that is one window; None: not before the next change or the end of the stream.
    """
    hits = mean_hits(runs)
    found = []
    for turn, until in pairwise((*turns, len(hits))):
        before = float(hits[max(0, turn - BEFORE) : turn].mean())
        after = running(hits[turn:until], WINDOW) if until - turn >= WINDOW else np.array([])
        found.append(next((place + WINDOW for place, share in enumerate(after) if share >= before - TOLERANCE), None))
    return tuple(found)
