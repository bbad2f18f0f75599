"""What a server says of itself, for people, `/healthz` and the `status` resource."""

from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio

from fleetlore.kmu.evidence import weight_of_evidence
from fleetlore.kmu.foresight import surprise
from fleetlore.storage.census import Census
from fleetlore.storage.database import SQLITE_VERSION
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import SPACES

VERSION = version("fleetlore")
ALIVE: dict[str, Any] = {"status": "ok"}  # all that somebody without a token is told


def items_by_space(census: Census) -> dict[str, dict[str, int]]:
    """Living items by space and status."""
    return {
        space: {status: count for (owner, status), count in sorted(census.items.items()) if owner == space}
        for space in SPACES
    }


def answered(given: int, by_agents: int, seen: int) -> str:
    """How many receipts were answered, and of how many others an outcome was at least seen."""
    share = f" ({by_agents / given:.0%})" if given else ""
    more = f", {seen:,} more with an implicit outcome only" if seen else ""
    return f"{given:,} given, {by_agents:,} answered{share}{more}"


def _disk_bytes(data: Path) -> int:
    total = 0
    for file in data.rglob("*"):
        with suppress(FileNotFoundError):  # compaction removes files while we count
            total += file.stat().st_size if file.is_file() else 0
    return total


async def describe(ledger: Ledger, data: Path, *, degraded: dict[str, str]) -> dict[str, Any]:
    """The state of a data directory: counts, disk, versions, health. Where it lies is no agent's matter."""
    census = await ledger.read.census()
    experience = await ledger.read.experience()
    waiting, _ = await ledger.read.waiting()
    return {
        "status": "degraded" if degraded else "ok",
        "version": VERSION,
        "store": ledger.info.id,
        "items": items_by_space(census),
        "pruned": census.pruned,
        "held": census.held,
        "agents": census.agents,
        "feedback": census.feedback,
        "receipts": {"given": census.receipts, "answered": census.answered, "implicit_only": census.implicit},
        "learning": {
            "weight_of_evidence": weight_of_evidence(experience),
            "surprise": round(surprise(experience), 2),
            "waiting": waiting,
        },
        "disk_bytes": await anyio.to_thread.run_sync(_disk_bytes, data),
        "embedder": ledger.info.embedder,
        "generation": ledger.info.generation,
        "sqlite": SQLITE_VERSION,
        "degraded": degraded,
    }
