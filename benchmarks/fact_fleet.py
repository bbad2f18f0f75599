"""Agents that live by numbered facts: they state them, follow them, fail when they have changed, and say so."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from memory import Feedback, FleetloreMemory, Retrieval
from numbered_facts import Fact, another

SHOWN = 5
STATING, WORKING = slice(0, 4), slice(4, 8)


class Naming(StrEnum):
    """How a report on a failure names the item that was followed."""

    REPLACES = "replaces"
    HARMFUL = "harmful"
    NOTHING = "nothing"


@dataclass(kw_only=True, slots=True)
class Fleet:
    """Agents with one memory, and the world that they live in: the number of each fact now."""

    memory: FleetloreMemory
    agents: Sequence[str]
    rng: random.Random
    numbers: dict[Fact, int] = field(default_factory=dict)
    stated: dict[Fact, str] = field(default_factory=dict)
    """The item that first held a fact."""

    async def ask(self, fact: Fact, agent: str) -> Retrieval:
        return await self.memory.retrieve(fact.question, limit=SHOWN, agent=agent)

    async def state(self, fact: Fact) -> None:
        self.numbers[fact] = another(self.rng)
        report = Feedback(
            task=f"Worked on {fact.service}",
            outcome=self.rng.choice(("observation", "success")),
            insight=fact.statement(self.numbers[fact]),
            applies_when=fact.condition,
            agent=self.rng.choice(self.agents[STATING]),
        )
        (self.stated[fact],) = await self.memory.report(report)

    def change(self, fact: Fact) -> None:
        self.numbers[fact] = another(self.rng, self.numbers[fact])

    async def work(self, fact: Fact, naming: Naming, agent: str) -> str:
        """Let an agent follow the first item about a fact and report. Returns the item that it taught, if any."""
        shown = await self.ask(fact, agent)
        followed = next((item for item in shown.items if fact.number(item.insight) is not None), None)
        number = self.numbers[fact]
        if followed is not None and fact.number(followed.insight) == number:
            helpful = () if naming is Naming.NOTHING else (followed.id,)
            await self.memory.report(self.success(fact, shown, agent, helpful))
            return ""
        named = () if followed is None else (followed.id,)
        report = Feedback(
            task=fact.question,
            outcome="failure",
            insight=fact.statement(number),
            applies_when=fact.condition,
            agent=agent,
            receipt=shown.receipt,
            harmful=named if naming is Naming.HARMFUL else (),
            replaces=named if naming is Naming.REPLACES else (),
        )
        return next(iter(await self.memory.report(report)), "")

    async def confirm(self, fact: Fact, taught: str, agent: str) -> bool:
        """Let an agent report success with an item, if it is shown."""
        shown = await self.ask(fact, agent)
        if all(item.id != taught for item in shown.items):
            return False
        await self.memory.report(self.success(fact, shown, agent, (taught,)))
        return True

    def success(self, fact: Fact, shown: Retrieval, agent: str, helpful: tuple[str, ...]) -> Feedback:
        return Feedback(task=fact.question, outcome="success", agent=agent, receipt=shown.receipt, helpful=helpful)

    async def item(self, fact: Fact) -> dict[str, Any] | None:
        """Read the item that first held a fact, whole."""
        return await self.memory.connection.read(f"fleetlore://item/{self.stated[fact]}")
