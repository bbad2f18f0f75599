"""A question and its answer: what an agent asks before a task, and what it is shown."""

from dataclasses import dataclass, field

from fleetlore.kmu.control import Control
from fleetlore.kmu.ranking import Ranked
from fleetlore.storage.identifiers import ItemId, ReceiptId
from fleetlore.storage.records import AgentName, Item


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What an agent asks before a task; `held`: whether items are shown that wait for a person to look at them."""

    task: str
    agent: AgentName
    limit: int = 5
    task_type: str = ""
    project: str = ""
    tags: tuple[str, ...] = ()
    held: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrieval:
    """The answer. `against` has the latest reasoning against contested items; `omitted` counts what did not fit.

    `receipt` is empty only where the ledger takes no writes, for which `unrecorded` is the reason. `held_out`:
    knowledge was held back. `lacking` is what was not searched, in words.
    """

    receipt: ReceiptId | None
    control: Control
    items: tuple[Ranked[Item], ...]
    against: dict[ItemId, str] = field(default_factory=dict)
    omitted: int = 0
    held_out: bool = False
    unrecorded: str = ""
    lacking: str = ""
