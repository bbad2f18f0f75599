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
from fleetlore.storage.ledger import LEDGER_FILE, Ledger
from fleetlore.storage.maintainer import maintainer
from fleetlore.storage.records import SPACES

VERSION = version("fleetlore")
LANCEDB_VERSION = version("lancedb")  # importing it takes a second
_MENDED = ((3, 44, 6), (3, 50, 7), (3, 51, 3))
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


def disk_by_part(data: Path) -> dict[str, int]:
    """Bytes by part: the ledger, its log, each space, whatever else lies there."""
    parts = dict.fromkeys(("ledger", "log", *SPACES, "other"), 0)
    for file in data.rglob("*"):
        with suppress(FileNotFoundError):  # compaction removes files while we count
            if file.is_file():
                parts[_part(file.relative_to(data))] += file.stat().st_size
    return parts


def _part(file: Path) -> str:
    if file.name == LEDGER_FILE:
        return "ledger"
    if file.name.startswith(LEDGER_FILE):
        return "log"
    spaces, *table = file.parts
    space = table[0].partition("_")[0] if spaces == "spaces" and table else ""
    return space if space in SPACES else "other"


def shares_well(sqlite: str) -> bool:
    """Whether that SQLite is free of a rare fault that can damage a write-ahead log which several processes share."""
    found = tuple(map(int, sqlite.split(".")))
    return found >= _MENDED[-1] or any(found[:2] == mended[:2] and found >= mended for mended in _MENDED)


def _notes() -> list[str]:
    """What an operator should know that keeps nothing from working."""
    if shares_well(SQLITE_VERSION):
        return []
    return [f"SQLite {SQLITE_VERSION} has a rare fault where several processes share one ledger: fleetlore doctor"]


async def describe(ledger: Ledger, data: Path, *, degraded: dict[str, str]) -> dict[str, Any]:
    """The state of a data directory: counts, disk, versions, health. Where it lies is no agent's matter."""
    census = await ledger.read.census()
    experience = await ledger.read.experience()
    waiting, _ = await ledger.read.waiting()
    disk = await anyio.to_thread.run_sync(disk_by_part, data)
    holder = await anyio.to_thread.run_sync(maintainer, data)
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
        "archived": census.archived,
        "learning": {
            "weight_of_evidence": weight_of_evidence(experience),
            "surprise": round(surprise(experience), 2),
            "waiting": waiting,
        },
        "disk_bytes": sum(disk.values()),
        "disk": disk,
        "embedder": ledger.info.embedder,
        "generation": ledger.info.generation,
        "sqlite": SQLITE_VERSION,
        "lancedb": LANCEDB_VERSION,
        "maintainer": holder.told() if holder else None,
        "notes": _notes(),
        "degraded": degraded,
    }
