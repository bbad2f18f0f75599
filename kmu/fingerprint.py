"""Fingerprints: the salted digests by which items are compared without their words."""

from dataclasses import dataclass

from fleetlore.kmu.alignment import sameness
from fleetlore.kmu.contradiction import subject_of
from fleetlore.kmu.gist import gist
from fleetlore.storage.ledger import digest
from fleetlore.storage.records import Space
from fleetlore.storage.rows import StoreInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint:
    """The digests of a lesson, as in `Item`."""

    digest: str
    condition: str
    lesson: str
    slot: str
    gist: str


def fingerprint(
    store: StoreInfo, space: Space, *, insight: str, applies_when: str, task_type: str
) -> Fingerprint | None:
    """The fingerprint that a lesson has in that store; None where it has no words."""
    words, condition, sort = sameness(space, insight, applies_when, task_type)
    if not words:
        return None
    essence, subject = gist(insight), subject_of(insight)
    return Fingerprint(
        digest=digest(store, "item", words, condition, sort),
        condition=digest(store, "condition", condition),
        lesson=digest(store, "lesson", essence or words),
        slot=digest(store, "slot", subject) if subject else "",
        gist=digest(store, "gist", essence, condition, sort) if essence else "",
    )
