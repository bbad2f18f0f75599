"""Proportions: a share of successes and how sure it is. Pure.

All intervals are of 95 %.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

_Z = 1.959964


@dataclass(frozen=True, kw_only=True, slots=True)
class Proportion:
    """Successes out of so many, with Wilson's score interval.

    For p = s / n it is (p + z²/2n ± z √(p (1 − p) / n + z²/4n²)) / (1 + z²/n) (Wilson 1927; equation 5 of Agresti &
    Coull 1998), which stays within [0, 1] and holds for few. Of nothing it is [0, 1].
    """

    successes: int
    of: int

    @classmethod
    def among(cls, successes: Iterable[bool]) -> Proportion:
        """The share of True."""
        every = list(successes)
        return cls(successes=sum(every), of=len(every))

    @property
    def share(self) -> float | None:
        """None of nothing."""
        return self.successes / self.of if self.of else None

    @property
    def low(self) -> float:
        """The lower bound."""
        return self._bound(-1) if self.successes else 0.0

    @property
    def high(self) -> float:
        """The upper bound."""
        return self._bound(1) if self.successes < self.of else 1.0

    def _bound(self, sign: int) -> float:
        n, p = self.of, self.successes / self.of
        width = _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        return (p + _Z**2 / (2 * n) + sign * width) / (1 + _Z**2 / n)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """How much larger one proportion is than another, with its interval."""

    mean: float
    low: float
    high: float


def difference(one: Proportion, other: Proportion) -> Difference | None:
    """The difference of two independent proportions; None where there is nothing on a side.

    From the bounds l and u of both (Newcombe 1998, Statistics in Medicine 17:873-890, method 10):
    d − √((p₁ − l₁)² + (u₂ − p₂)²) to d + √((u₁ − p₁)² + (p₂ − l₂)²).
    """
    if one.share is None or other.share is None:
        return None
    mean = one.share - other.share
    below = sqrt((one.share - one.low) ** 2 + (other.high - other.share) ** 2)
    above = sqrt((one.high - one.share) ** 2 + (other.share - other.low) ** 2)
    return Difference(mean=mean, low=mean - below, high=mean + above)
