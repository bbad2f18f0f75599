"""Right and wrong answers of a run, summed up: overall, at the end, and as a learning curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from calibration import Calibration


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """What is run once: an arm in a world (a condition of a stream, or a repository) under a seed."""

    world: str
    arm: str
    seed: int

    def __str__(self) -> str:
        return f"{self.world}, {self.arm}, seed {self.seed}"


Written = dict[str, Any]
"""A run as it stands in a JSON file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A cell that was run: whether each task, in order, was answered rightly, and how calibrated the end was.

    `calibration` is that of the items shown at the end, `kept` that of everything that the memory then holds.
    """

    cell: Cell
    seconds: float
    hits: tuple[bool, ...] = field(repr=False)
    calibration: Calibration
    kept: Calibration
    decisions: dict[str, int]
    measured: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What else a benchmark of its own measured, as it stands in a JSON file."""

    def share(self, last: int = 0) -> float:
        """Return the share of right answers among the last so many tasks (0: all of them)."""
        hits = self.hits[-last:]
        return sum(hits) / len(hits)

    def curve(self, window: int) -> tuple[float, ...]:
        """Return the share of right answers in consecutive windows; a shorter rest at the end counts as one."""
        parts = [self.hits[start : start + window] for start in range(0, len(self.hits), window)]
        return tuple(sum(part) / len(part) for part in parts)

    def milliseconds_per_task(self) -> float:
        return self.seconds / len(self.hits) * 1000

    def written(self, *, last: int, window: int) -> Written:
        """Return the run as JSON: what `read_run` needs, and figures for people."""
        return {
            **asdict(self.cell),
            "last": self.share(last),
            "all": self.share(),
            "curve": self.curve(window),
            "seconds": round(self.seconds, 3),
            "milliseconds_per_task": round(self.milliseconds_per_task(), 2),
            "decisions": self.decisions,
            "calibration": asdict(self.calibration),
            "kept": asdict(self.kept),
            "hits": "".join("1" if hit else "0" for hit in self.hits),
            "measured": self.measured,
        }


def read_run(written: Written) -> Run:
    return Run(
        cell=Cell(world=written["world"], arm=written["arm"], seed=written["seed"]),
        seconds=written["seconds"],
        hits=tuple(hit == "1" for hit in written["hits"]),
        calibration=Calibration(**written["calibration"]),
        kept=Calibration(**written.get("kept", {})),
        decisions=written["decisions"],
        measured=written.get("measured", {}),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """A figure over several seeds."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(mean=sum(values) / len(values), low=min(values), high=max(values))

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f}-{self.high:.3f})"
