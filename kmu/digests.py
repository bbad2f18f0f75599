"""The salted digests by which items are compared without their words."""

from typing import TypedDict

from fleetlore.kmu.contradiction import subject_of
from fleetlore.kmu.gist import gist
from fleetlore.storage.ledger import digest
from fleetlore.storage.rows import StoreInfo


class Digests(TypedDict):
    """The digests of a lesson, as in `Item`."""

    digest: str
    condition: str
    lesson: str
    slot: str
    gist: str


def digests_of(store: StoreInfo, insight: str, condition: str, task_type: str, stated: str) -> Digests:
    """The digests of a lesson in that store, given the parts of its `sameness` and the insight as stated."""
    essence, subject = gist(stated), subject_of(stated)
    return {
        "digest": digest(store, "item", insight, condition, task_type),
        "condition": digest(store, "condition", condition),
        "lesson": digest(store, "lesson", essence or insight),
        "slot": digest(store, "slot", subject) if subject else "",
        "gist": digest(store, "gist", essence, condition, task_type) if essence else "",
    }
