"""Right and wrong answers of a run, summed up: overall, at the end, and as a learning curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One arm under one seed: whether each task, in order, was answered rightly."""

    arm: str
    seed: int
    seconds: float
    hits: tuple[bool, ...] = field(repr=False)
    decisions: dict[str, int] = field(default_factory=dict)

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
