"""Two arms beside each other on the same tasks: how much better is one, and how sure is that?

The interval is a bootstrap of paired differences in two stages: seeds are drawn with replacement, and then tasks within
each. It needs no assumption about how hits are distributed; with one seed it knows nothing of how seeds differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from accuracy import Run

RESAMPLES = 2000
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """The mean of `one - other` over seeds and tasks, and its 95 % interval."""

    mean: float
    low: float
    high: float
    by_seed: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.mean:+.3f} ({self.low:+.3f} to {self.high:+.3f})"


def difference(one: Sequence[Run], other: Sequence[Run], last: int) -> Difference | None:
    """Compare two arms over the last so many tasks of the seeds that both went through; None if there are none."""
    others = {run.cell.seed: run for run in other}
    pairs = [(run.hits[-last:], others[run.cell.seed].hits[-last:]) for run in one if run.cell.seed in others]
    if not pairs:
        return None
    paired = np.array([np.subtract(mine, theirs, dtype=np.float64) for mine, theirs in pairs])
    seeds, tasks = paired.shape
    rng = np.random.default_rng(0)
    drawn = rng.integers(seeds, size=(RESAMPLES, seeds, 1))
    means = paired[drawn, rng.integers(tasks, size=(RESAMPLES, seeds, tasks))].mean(axis=(1, 2))
    low, high = np.percentile(means, INTERVAL)
    by_seed = tuple(float(mean) for mean in paired.mean(axis=1))
    return Difference(mean=float(paired.mean()), low=float(low), high=float(high), by_seed=by_seed)


def gap_closed(gap: Difference | None, gained: Difference) -> float | None:
    """Return which share of a gap was gained: 1 is all of it. None where there is no gap beyond doubt."""
    return gained.mean / gap.mean if gap is not None and gap.low > 0 else None
