"""Pruning: what the policy would forget, and how much one plan may take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from fleetlore.storage.errors import PolicyImpossible
from fleetlore.storage.identifiers import FeedbackId, ItemId
from fleetlore.storage.records import Item, PlannedItem
from fleetlore.storage.rows import Objection


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunePolicy:
    """What is pruned without being named: items below `trust` that `contradictions` reports speak against.

    Consolidation prunes them unasked once nothing has changed for the time `unasked_after`, in a store that has seen
    `unasked_from_reports` reports.

    Raises `PolicyImpossible`.
    """

    trust: float = 0.2
    contradictions: int = 2
    largest_count: int = 50
    largest_share: float = 0.05
    unasked_after: timedelta = timedelta(days=7)
    unasked_from_reports: int = 100

    def __post_init__(self) -> None:
        for name, possible, allowed in (
            ("trust", 0 < self.trust < 1, "between 0 and 1"),
            ("contradictions", self.contradictions >= 1, "at least 1"),
            ("largest_count", self.largest_count >= 1, "at least 1"),
            ("largest_share", 0 <= self.largest_share <= 1, "from 0 to 1"),
            ("unasked_after", self.unasked_after >= timedelta(0), "no negative time"),
            ("unasked_from_reports", self.unasked_from_reports >= 0, "at least 0"),
        ):
            if not possible:
                raise PolicyImpossible(name, getattr(self, name), allowed)

    def most(self, items_in_space: int) -> int:
        """How many items of a space one plan may take."""
        return max(self.largest_count, int(self.largest_share * items_in_space))


def planned(item: Item, objections: Mapping[ItemId, Sequence[Objection]], reason: str) -> PlannedItem:
    """The line of a plan for an item: why, and what speaks against it, in the words of those who said so."""
    against = objections.get(item.id, ())
    return PlannedItem(item=item.id, because=_because(item, against, reason), feedback=_named(against))


def _named(against: Sequence[Objection]) -> tuple[FeedbackId, ...]:
    return tuple(dict.fromkeys(objection.feedback for objection in against))


def _because(item: Item, against: Sequence[Objection], reason: str) -> str:
    parts = [reason] if reason else []
    if not reason and item.superseded_by is not None:
        parts.append(f"superseded by {item.superseded_by}, which is borne out")
    if not reason and item.superseded_by is None:
        parts.append(f"trust {item.evidence.trust:.2f} after {item.evidence.contradiction} reports against it")
    quoted = [f"{objection.agent}: “{objection.reasoning}”" for objection in against if objection.reasoning]
    if quoted:
        parts.append(f"reports say {'; '.join(quoted[:3])}")
    return "; ".join(parts)
