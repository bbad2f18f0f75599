"""The records that every room speaks of: knowledge items with their evidence, receipts, verdicts, feedback and plans.

All are frozen; times are aware and in UTC. Nothing here does I/O.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType

from fleetlore.storage.identifiers import FeedbackId, ItemId, PlanId, ReceiptId

AgentName = NewType("AgentName", str)
ITSELF = AgentName("fleetlore")  # in whose name the memory acts by itself; no agent has it

Space = Literal["general", "prompt"]
SPACES: tuple[Space, ...] = ("general", "prompt")
Kind = Literal["do", "avoid", "fact"]
Outcome = Literal["success", "failure", "observation"]
Stage = Literal["provisional", "active"]
Status = Literal["active", "provisional", "contested", "superseded"]
Mode = Literal["follow", "verify", "explore"]
PlanKind = Literal["prune", "merge", "consolidation", "edit", "import", "revocation", "forget"]
Implicit = Literal["tests-passed", "tests-failed", "command-failed", "reverted"]
Act = Literal[
    "prune", "merge", "link", "conflict", "supersede", "promote", "demote", "edit", "accept", "import", "withdraw"
]
Flag = Literal["instructs", "calls_tools", "hidden_text", "remote_content"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What outcomes say about an item.

    `trust` is the probability in [0.01, 0.99] that the item is right now, where it applies. `support` and
    `contradiction` count direct reports for people to read; `agents` and `projects` are distinct backers.
    """

    trust: float
    support: int = 0
    contradiction: int = 0
    agents: int = 0
    projects: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """What of an item a person may word anew: the lesson, when it holds, and what it is filed under."""

    insight: str
    applies_when: str
    kind: Kind
    task_type: str = ""
    project: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """What of an item decides whether it answers a task, before any other: all that ranking looks at.

    `lesson` is a salted digest, equal for two items exactly if they come down to the same, whatever the condition.
    `blames` counts the agents who called this lesson harmful, wherever, since it was last borne out. `flags` is why it
    is held until a person has looked at it.
    """

    id: ItemId
    insight: str
    applies_when: str
    project: str
    tags: tuple[str, ...]
    lesson: str
    evidence: Evidence
    superseded_by: ItemId | None = None
    conflicts_with: tuple[ItemId, ...] = ()
    similar_to: tuple[ItemId, ...] = ()
    blames: int = 0
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Item(Outline):
    """One insight, when it applies, its kind and its evidence.

    `stage` is what promotion decided; `status` is what a reader is told, derived from stage and living links.
    `condition` and `slot` are salted digests as `lesson` is: of the condition; of what the insight states one value of,
    as of the form `name: value` (else ""). `gist` is one of what the insight comes down to in other words.
    """

    space: Space
    owner: str
    kind: Kind
    task_type: str
    author: AgentName
    feedback: FeedbackId
    digest: str
    condition: str
    slot: str
    stage: Stage
    created_at: datetime
    updated_at: datetime
    pruned_by: PlanId | None = None
    gist: str = ""
    merged_into: ItemId | None = None

    @property
    def status(self) -> Status:
        """What a reader is told: a living successor first, then a living conflict, then the stage."""
        if self.superseded_by is not None:
            return "superseded"
        return "contested" if self.conflicts_with else self.stage

    @property
    def erased(self) -> bool:
        """Whether its words were erased for good."""
        return not self.insight

    @property
    def wording(self) -> Wording:
        """What a person may word anew."""
        return Wording(
            insight=self.insight,
            applies_when=self.applies_when,
            kind=self.kind,
            task_type=self.task_type,
            project=self.project,
            tags=self.tags,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Factors:
    """What counted when an item was shown: score = relevance² · trust ^ weight · agreement · discount.

    `agreement` is the share that its lesson had in the votes of what lay near, relative to the leading lesson's;
    `discount` is below 1 for an item of another project or one that is superseded. The weight of evidence is the
    receipt's. Status and reports are what the item had then.
    """

    trust: float
    agreement: float
    discount: float
    status: Status
    support: int
    contradiction: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One line of a receipt: which item, how relevant (0..1) and with which score it was shown.

    `factors` is what else made the score; receipts of earlier versions have none.
    """

    item: ItemId
    relevance: float
    score: float
    factors: Factors | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What one retrieval showed to whom, best first, and the relevance of what lay `near` the task, shown or not.

    `control` is what the controller saw and decided. `held_out`: knowledge was held back, to measure what it is worth.
    """

    id: ReceiptId
    at: datetime
    agent: AgentName
    project: str
    task_type: str
    task: str
    mode: Mode
    shown: tuple[Shown, ...]
    near: tuple[tuple[ItemId, float], ...] = ()
    control: Mapping[str, Any] = field(default_factory=dict)
    held_out: bool = False
    answered: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Experience:
    """What all reports so far taught about reports.

    `reports`: how many there were. `near`, `confirmed`: how many had trusted votes near them, and what share of these
    they confirmed (decayed sums). `blamed`, `revived`: how often a lesson was called harmful by another agent, and how
    many of these were borne out later. `surprise`: how much worse than expected outcomes are of late. `weights`: how
    often each weight of evidence foresaw the report (decayed). `foreseen`: for each band of prospects, how many
    outcomes there were and how many succeeded (decayed).
    """

    reports: float = 0.0
    near: float = 0.0
    confirmed: float = 0.0
    blamed: float = 0.0
    revived: float = 0.0
    surprise: float = 0.0
    weights: tuple[float, ...] = ()
    foreseen: tuple[tuple[float, float], ...] = ()


NO_EXPERIENCE = Experience()


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What one report says of one item: `sign` +1 or -1, `direct` if the report named the item.

    `source` is the receipt, or the agent where none was given: a later verdict from the same source replaces this one,
    which is why `delta`, the change of the item's log-odds of trust that it caused, is kept with it. `implicit`: it was
    seen from outside, and stands until the agent answers the receipt.
    """

    item: ItemId
    source: str
    agent: AgentName
    project: str
    feedback: FeedbackId
    at: datetime
    sign: Literal[-1, 1]
    direct: bool
    delta: float
    implicit: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """One report as it was made, with what the rule-based feedback agents made of it (`assessment`).

    `implicit` is what was seen from outside, where that is all the report says; "" for an agent's own word. `own`: it
    tells of what is only its agent's own, and of nothing else are its words told.
    """

    id: FeedbackId
    at: datetime
    agent: AgentName
    receipt: ReceiptId | None
    outcome: Outcome
    task: str
    reasoning: str
    insight: str
    applies_when: str
    output: str
    expected: str
    assessment: tuple[str, ...]
    implicit: Implicit | Literal[""] = ""
    own: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedItem:
    """One line of a plan: what it does to an item, and what is needed to take that back.

    `other` is the item that it is merged into, linked with, in conflict with or superseded by. `stage`, `trust` and
    `successor` are what the item had when the plan was applied. A merge lends the verdicts of the sources `lent` to
    `other`, where they took the place of `displaced`.
    """

    item: ItemId
    because: str
    feedback: tuple[FeedbackId, ...] = ()
    stage: Stage | None = None
    trust: float | None = None
    act: Act = "prune"
    other: ItemId | None = None
    successor: ItemId | None = None
    lent: tuple[str, ...] = ()
    displaced: tuple[Verdict, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """How an item was worded `before` a person edited it and `after`, and when it had last changed until then."""

    before: Wording
    after: Wording
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is done to which items, and why; applied and undone at most in that order. A plan of an edit keeps it."""

    id: PlanId
    at: datetime
    agent: AgentName
    reason: str
    items: tuple[PlannedItem, ...]
    kind: PlanKind = "prune"
    applied_at: datetime | None = None
    undone_at: datetime | None = None
    edit: Edit | None = None
