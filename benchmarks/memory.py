"""What an agent of a benchmark does with a memory: retrieve before a task, report after it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from connection import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One insight as it was shown, with the weight for the task and the trust that the memory gives it."""

    id: str
    insight: str
    score: float
    confidence: float


Meaning = Callable[[str], str | None]
"""How an agent reads an insight: what it says, or None where it says nothing of the sort."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrieval:
    """What one retrieval showed, best first."""

    receipt: str = ""
    items: tuple[Item, ...] = ()

    def ranked(self, meaning: Meaning) -> list[str]:
        """Rank what the insights mean by the sum of their scores, largest first."""
        votes: dict[str, float] = defaultdict(float)
        for item in self.items:
            if (said := meaning(item.insight)) is not None:
                votes[said] += item.score
        return sorted(votes, key=votes.__getitem__, reverse=True)

    def ids(self, meaning: Meaning, wanted: Collection[str]) -> tuple[str, ...]:
        """Return the ids of the shown items whose insight means one of these."""
        return tuple(item.id for item in self.items if meaning(item.insight) in wanted)


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """One report, with the names of the tool's arguments. A field left empty is left out of the call."""

    task: str
    outcome: str
    agent: str
    insight: str = ""
    receipt: str = ""
    project: str = ""
    applies_when: str = ""
    kind: str = ""
    helpful: tuple[str, ...] = ()
    harmful: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()

    def bare(self) -> Feedback:
        """Return the report of an agent that leaves everything optional at its default."""
        return replace(self, applies_when="", kind="", helpful=(), harmful=(), replaces=())

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
            "replaces": list(self.replaces),
        }
        return {name: value for name, value in every.items() if value}


class Memory(Protocol):
    """A memory that agents retrieve from and report to; a retrieval sees every report made before it."""

    async def retrieve(self, task: str, *, limit: int, agent: str, project: str = "") -> Retrieval: ...

    async def report(self, feedback: Feedback) -> tuple[str, ...]:
        """Return the ids of the items that hold the reported insight."""


class NoMemory:
    """The floor: shows nothing and forgets everything."""

    async def retrieve(self, task: str, *, limit: int, agent: str, project: str = "") -> Retrieval:
        return Retrieval()

    async def report(self, feedback: Feedback) -> tuple[str, ...]:
        return ()


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

    async def report(self, feedback: Feedback) -> tuple[str, ...]:
        answer = await self.connection.call("submit_feedback", feedback.arguments())
        learned = answer.get("learned", ())
        self.decisions.update(one["decision"] for one in learned)
        return tuple(one["id"] for one in learned if one.get("id"))

    async def confidence(self, item: str) -> float | None:
        """Return how sure the server is of an item; None where it does not hold it any more."""
        found = await self.connection.read(f"fleetlore://item/{item}")
        if found is None or found["pruned_by"]:
            return None
        confidence: float = found["confidence"]
        return confidence


def item(shown: dict[str, Any]) -> Item:
    return Item(
        id=shown["id"],
        insight=shown["insight"],
        score=shown["score"],
        confidence=shown["confidence"],
    )
