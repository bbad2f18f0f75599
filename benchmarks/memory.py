"""What an agent of a benchmark does with a memory: retrieve before a task, report after it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from connection import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One insight as it was shown, with the weight that the memory gives it for the task."""

    id: str
    insight: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrieval:
    """What one retrieval showed, best first."""

    receipt: str = ""
    items: tuple[Item, ...] = ()

    def ranked(self, prefix: str) -> list[str]:
        """Rank the values of the insights of the form `<prefix><value>` by their sum of scores, largest first."""
        votes: dict[str, float] = defaultdict(float)
        for item in self.items:
            if item.insight.startswith(prefix):
                votes[item.insight.removeprefix(prefix)] += item.score
        return sorted(votes, key=votes.__getitem__, reverse=True)

    def ids(self, insights: Collection[str]) -> tuple[str, ...]:
        """Return the ids of the shown items whose insight is one of these."""
        return tuple(item.id for item in self.items if item.insight in insights)


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """One report, with the names of the tool's arguments. A field left empty is left out of the call."""

    task: str
    outcome: str
    insight: str
    agent: str
    receipt: str = ""
    project: str = ""
    applies_when: str = ""
    kind: str = ""
    helpful: tuple[str, ...] = ()
    harmful: tuple[str, ...] = ()

    def bare(self) -> Feedback:
        """Return the report of an agent that leaves everything optional at its default."""
        return replace(self, applies_when="", kind="", helpful=(), harmful=())

    def arguments(self) -> dict[str, object]:
        every: dict[str, object] = {
            "task": self.task,
            "outcome": self.outcome,
            "insight": self.insight,
            "agent": self.agent,
            "receipt": self.receipt,
            "project": self.project,
            "applies_when": self.applies_when,
            "kind": self.kind,
            "helpful": list(self.helpful),
            "harmful": list(self.harmful),
        }
        return {name: value for name, value in every.items() if value}


class Memory(Protocol):
    """A memory that agents retrieve from and report to; a retrieval sees every report made before it."""

    async def retrieve(self, task: str, *, limit: int, agent: str, project: str = "") -> Retrieval: ...

    async def report(self, feedback: Feedback) -> None: ...


class NoMemory:
    """The floor: shows nothing and forgets everything."""

    async def retrieve(self, task: str, *, limit: int, agent: str, project: str = "") -> Retrieval:
        return Retrieval()

    async def report(self, feedback: Feedback) -> None:
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetloreMemory:
    """A fleetlore server. `decisions` counts what it did with the insights that it was told."""

    connection: Connection
    decisions: Counter[str] = field(default_factory=Counter)

    async def retrieve(self, task: str, *, limit: int, agent: str, project: str = "") -> Retrieval:
        arguments: dict[str, object] = {"task": task, "limit": limit, "agent": agent}
        if project:
            arguments["project"] = project
        answer = await self.connection.call("retrieve_knowledge", arguments)
        return Retrieval(receipt=answer["receipt"], items=tuple(map(item, answer.get("items", ()))))

    async def report(self, feedback: Feedback) -> None:
        answer = await self.connection.call("submit_feedback", feedback.arguments())
        self.decisions.update(learned["decision"] for learned in answer.get("learned", ()))


def item(shown: dict[str, Any]) -> Item:
    return Item(id=shown["id"], insight=shown["insight"], score=shown["score"])
