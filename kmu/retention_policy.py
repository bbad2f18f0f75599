"""How long and how much an operator wants kept."""

from dataclasses import dataclass
from datetime import timedelta

from fleetlore.storage.errors import PolicyImpossible


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionPolicy:
    """What goes by age and by size: None for nothing.

    Items that nobody bore out go after `keep` without a report about them; of each space `most_items` are kept.
    Receipts are archived, and not lost, after `archive_after`.

    Raises `PolicyImpossible`.
    """

    keep: timedelta | None = None
    most_items: int | None = None
    archive_after: timedelta = timedelta(days=90)

    def __post_init__(self) -> None:
        for name, possible, allowed in (
            ("keep", self.keep is None or self.keep >= timedelta(days=1), "at least a day"),
            ("most_items", self.most_items is None or self.most_items >= 1, "at least 1"),
            ("archive_after", self.archive_after >= timedelta(days=90), "at least 90 days"),
        ):
            if not possible:
                raise PolicyImpossible(name, getattr(self, name), allowed)
