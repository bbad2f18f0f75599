"""What a server's controller saw and said, task by task, while a fleet went through a stream."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from arms import DILIGENT
from connection import Transport, connect
from intents import Step
from memory import FleetloreMemory
from playing import SHOWN
from task import Claim

from fleetlore.server.settings import utc_now
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.ledger import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """One task: what the controller saw and said before it, and whether the fleet reported a success after it.

    `prospect` is how good the chances looked, `expected` the same after calibration, `surprise` the fleet's.
    """

    mode: str
    surprise: float
    prospect: float
    expected: float
    shown: bool
    success: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """One stream. `trust`: for each item shown, its confidence and whether it was right then."""

    condition: str
    seed: int
    turns: tuple[int, ...]
    moments: tuple[Moment, ...]
    trust: tuple[tuple[float, bool], ...]


async def trace(
    steps: Sequence[Step], *, condition: str, seed: int, turns: tuple[int, ...], transport: Transport
) -> Trace:
    """Let a diligent fleet go through a stream, and read what its server kept with the receipts."""
    with TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "fleet"
        trust = await play(steps, data, seed, transport)
        moments = await read(data)
    return Trace(condition=condition, seed=seed, turns=turns, moments=moments, trust=trust)


async def play(steps: Sequence[Step], data: Path, seed: int, transport: Transport) -> tuple[tuple[float, bool], ...]:
    """Go through the stream; return confidence and truth of everything shown."""
    rng = random.Random(f"agents/{seed}")
    says: dict[str, Claim] = {}
    trust: list[tuple[float, bool]] = []
    async with connect(transport, data) as connection:
        memory = FleetloreMemory(connection=connection)
        for step in steps:
            shown = await memory.retrieve(step.text, limit=SHOWN, agent=step.agent)
            trust += [(item.confidence, step.right(says[item.id])) for item in shown.items]
            for report in DILIGENT.of(step.feedback(shown, step.answer(shown)), rng):
                for item in await memory.report(report):
                    says.setdefault(item, step.claim(report.insight))
    return tuple(trust)


async def read(data: Path) -> tuple[Moment, ...]:
    """Read the receipts of a ledger in their order."""
    async with Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger:
        attempts = await ledger.read.attempts()
    return tuple(
        Moment(
            mode=attempt.mode,
            surprise=attempt.control["states"]["fleet_surprise"],
            prospect=attempt.control["states"]["prospect"],
            expected=attempt.control["expected"],
            shown=bool(attempt.shown),
            success=attempt.outcome == "success",
        )
        for attempt in attempts
    )
