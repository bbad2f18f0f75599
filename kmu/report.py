"""A report: what an agent tells after a task, and what it is told in return."""

import json
from dataclasses import dataclass, fields
from typing import Any, Literal

from fleetlore.storage.identifiers import FeedbackId, ItemId, ReceiptId
from fleetlore.storage.records import AgentName, Kind, Outcome, Space, Status

Decision = Literal["new", "corroborated", "merged", "superseding", "conflict", "rejected"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was done, how it ended, and what was learnt; `key` makes sending it twice harmless.

    `nothing_mattered` says that no item shown played a part. `workplace` is the project where neither the report nor
    its receipt names one: it is the server's knowledge, not a part of what was sent.
    """

    task: str
    agent: AgentName
    outcome: Outcome | Literal["auto"] = "auto"
    reasoning: str = ""
    insight: str = ""
    kind: Kind | Literal["auto"] = "auto"
    applies_when: str = ""
    output: str = ""
    expected: str = ""
    receipt: ReceiptId | None = None
    helpful: tuple[ItemId, ...] = ()
    harmful: tuple[ItemId, ...] = ()
    nothing_mattered: bool = False
    replaces: tuple[ItemId, ...] = ()
    space: Space | Literal["auto"] = "auto"
    task_type: str = ""
    project: str = ""
    tags: tuple[str, ...] = ()
    key: str = ""
    workplace: str = ""

    @property
    def target(self) -> Space:
        """The space in which its insight belongs."""
        return "prompt" if self.space == "prompt" else "general"

    @property
    def owner(self) -> str:
        """Whose the insight will be: the agent's in its own space, nobody's in the general one."""
        return self.agent if self.target == "prompt" else ""

    def canonical(self) -> str:
        """What was sent but for its key: equal for equal content."""
        return json.dumps(_fields_of(self) | {"key": "", "workplace": ""}, sort_keys=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """What became of the insight; `id` is empty where it was rejected."""

    id: str
    space: Space
    status: Status | Literal[""]
    decision: Decision
    because: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledgement:
    """What the agent is told: durable when it is told."""

    feedback: FeedbackId
    outcome: Outcome
    learned: tuple[Learned, ...] = ()
    credited: tuple[ItemId, ...] = ()
    blamed: tuple[ItemId, ...] = ()
    redacted: int = 0

    def dumped(self) -> str:
        """As text, for answering the same key again."""
        return json.dumps(_fields_of(self), default=_fields_of)

    @classmethod
    def loaded(cls, text: str) -> "Acknowledgement":
        """The inverse of `dumped`."""
        values: dict[str, Any] = json.loads(text)
        return cls(
            feedback=FeedbackId(values["feedback"]),
            outcome=values["outcome"],
            learned=tuple(Learned(**learned) for learned in values["learned"]),
            credited=tuple(values["credited"]),
            blamed=tuple(values["blamed"]),
            redacted=values["redacted"],
        )


def _fields_of(record: "Report | Acknowledgement | Learned") -> dict[str, Any]:
    """As `asdict`, but for copies of what nobody changes."""
    return {field.name: getattr(record, field.name) for field in fields(record)}
