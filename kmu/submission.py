"""A submission: a report with all that is needed to decide on it inside one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fleetlore.kmu.feedback_agents import Assessment
from fleetlore.kmu.report import Report
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import Flag, Receipt


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge:
    """What a report says of one item: its sign, whether it was named, and how relevant and expected it was."""

    item: ItemId
    source: str
    sign: Literal[-1, 1]
    direct: bool
    relevance: float
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """The item that a report's insight would be if nothing like it is known; digests and flags as in `Item`."""

    id: ItemId
    digest: str
    condition: str
    lesson: str
    slot: str
    gist: str
    applies_when: str
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """A report, what the feedback agents made of it, what it charges, what it teaches, and what lies near its task.

    `required` is how many other agents must bear an item out before it is active. `own` as in `Feedback`; `redacted`
    is how many secrets it held.
    """

    report: Report
    assessment: Assessment
    charges: tuple[Charge, ...]
    draft: Draft | None
    receipt: Receipt | None
    near: Mapping[ItemId, float]
    request: str
    required: int
    redacted: int = 0
    own: bool = False
