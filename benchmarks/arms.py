"""The arms that a stream compares: who shares a memory with whom, whether it learns, how carefully agents report."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import assert_never

from connection import Transport, connect
from curator import Curator
from memory import Feedback, FleetloreMemory, Memory, NoMemory


class Sharing(Enum):
    NOTHING = auto()
    """No agent remembers anything."""
    PRIVATE = auto()
    """Each agent has a server and a data folder of its own."""
    FLEET = auto()
    """All agents use one server."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reporting:
    """How carefully agents report: the share of receipts that they answer at all, and in how much detail."""

    answered: float
    detailed: bool

    def of(self, feedback: Sequence[Feedback], rng: random.Random) -> tuple[Feedback, ...]:
        """Return what is really sent of all the feedback that answers one receipt."""
        if rng.random() >= self.answered:
            return ()
        return tuple(feedback) if self.detailed else tuple(one.bare() for one in feedback)


DILIGENT = Reporting(answered=1.0, detailed=True)
LAZY = Reporting(answered=0.3, detailed=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    name: str
    sharing: Sharing
    reporting: Reporting = DILIGENT
    learning: bool = True
    """Whether the servers learn from outcomes; without, they keep everything and rank it by relevance alone."""
    curated: bool = False
    """Whether somebody who knows the truth prunes what is wrong."""


ARMS: Mapping[str, Arm] = {
    arm.name: arm
    for arm in (
        Arm(name="none", sharing=Sharing.NOTHING),
        Arm(name="private", sharing=Sharing.PRIVATE),
        Arm(name="keep-all", sharing=Sharing.FLEET, learning=False),
        Arm(name="fleetlore", sharing=Sharing.FLEET),
        Arm(name="lazy", sharing=Sharing.FLEET, reporting=LAZY),
        Arm(name="oracle", sharing=Sharing.FLEET, learning=False, curated=True),
    )
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """The memory that each agent of a run uses, and who curates it, if anybody does."""

    memories: Mapping[str, Memory]
    curator: Curator | None = None

    def of(self, agent: str) -> Memory:
        return self.memories[agent]

    def servers(self) -> list[FleetloreMemory]:
        return list({id(one): one for one in self.memories.values() if isinstance(one, FleetloreMemory)}.values())

    def decisions(self) -> dict[str, int]:
        """Count what the servers did with the insights they were told, over the whole fleet."""
        return dict(sum((server.decisions for server in self.servers()), Counter[str]()))

    async def confidences(self, items: Iterable[str]) -> dict[str, float]:
        """Ask how sure the fleet's one server is of each item that it still holds; nothing where there are several."""
        match self.servers():
            case [server] if self.curator is None:
                return {item: found for item in items if (found := await server.confidence(item)) is not None}
        return {}


def agent_names(count: int) -> tuple[str, ...]:
    return tuple(f"agent-{number}" for number in range(1, count + 1))


@asynccontextmanager
async def fleet(arm: Arm, agents: Sequence[str], transport: Transport) -> AsyncIterator[Fleet]:
    """Open empty memories for the agents of an arm; their folders go when the block ends."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True)))

        async def memory(name: str) -> FleetloreMemory:
            opening = connect(transport, folder / name, learning=arm.learning)
            return FleetloreMemory(connection=await stack.enter_async_context(opening))

        match arm.sharing:
            case Sharing.NOTHING:
                yield Fleet(memories=dict.fromkeys(agents, NoMemory()))
            case Sharing.PRIVATE:
                yield Fleet(memories={agent: await memory(agent) for agent in agents})
            case Sharing.FLEET:
                shared = await memory("fleet")
                curator = Curator(connection=shared.connection) if arm.curated else None
                yield Fleet(memories=dict.fromkeys(agents, shared), curator=curator)
            case _:
                assert_never(arm.sharing)
