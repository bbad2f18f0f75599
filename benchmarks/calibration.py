"""Does confidence mean what it says: of the items shown with confidence .8, are four in five right?

Measured by the Brier score (Brier 1950), the mean squared distance of confidence from the truth, beside that of
somebody who knows only how many of the items are right and says so of each: p (1 - p).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Items: how many, how many of them were right then, and the squared distances summed up."""

    items: int = 0
    right: int = 0
    squared: float = 0.0

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, bool]]) -> Calibration:
        """Sum up pairs of confidence and truth."""
        return cls(
            items=len(pairs),
            right=sum(right for _, right in pairs),
            squared=round(sum((confidence - right) ** 2 for confidence, right in pairs), 6),
        )

    @classmethod
    def together(cls, parts: Iterable[Calibration]) -> Calibration:
        parts = tuple(parts)
        return cls(
            items=sum(part.items for part in parts),
            right=sum(part.right for part in parts),
            squared=sum(part.squared for part in parts),
        )

    @property
    def base_rate(self) -> float:
        return self.right / self.items

    @property
    def brier(self) -> float:
        return self.squared / self.items

    @property
    def base_brier(self) -> float:
        return self.base_rate * (1 - self.base_rate)

    @property
    def ratio(self) -> float | None:
        """Below 1: confidence says more than the base rate. None where all that was shown is right, or all wrong."""
        return self.brier / self.base_brier if self.base_brier else None
