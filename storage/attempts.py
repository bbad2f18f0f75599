"""Attempts: what agents asked, what they were shown, and how it went first. Read many at once, for gaps and reports."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from fleetlore.storage.database import Connection
from fleetlore.storage.identifiers import ItemId, ReceiptId
from fleetlore.storage.records import AgentName, Mode, Space
from fleetlore.storage.rows import content_of, list_of, moment

EVERY = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One receipt and the outcome of the first report on it that had one; observations have none.

    `near` is what lay nearest to the task, best first, shown or not.
    """

    receipt: ReceiptId
    at: datetime
    agent: AgentName
    project: str
    mode: Mode
    shown: tuple[ItemId, ...] = ()
    near: tuple[ItemId, ...] = ()
    control: Mapping[str, Any] = field(default_factory=dict)
    held_out: bool = False
    answered: bool = False
    outcome: Literal["success", "failure"] | None = None
    task: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """By what items are grouped."""

    space: Space
    tags: tuple[str, ...]


class AttemptsView:
    """Questions to the ledger about many receipts at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def attempts(self, *, latest: int = EVERY, tasks: bool = False) -> list[Attempt]:
        """The latest receipts, oldest first; with `tasks`, what each was about in place of what lay near."""
        rows = await self._connection.rows("attempts", latest=latest, tasks=tasks)
        return [
            Attempt(
                receipt=ReceiptId(row["id"]),
                at=moment(row["at"]),
                agent=AgentName(row["agent"]),
                project=row["project"],
                mode=row["mode"],
                shown=tuple(ItemId(item) for item, *_ in json.loads(row["shown"])),
                near=tuple(ItemId(item) for item, _ in json.loads(row["near"])),
                control=json.loads(row["control"]),
                held_out=bool(row["held_out"]),
                answered=row["answered_at"] is not None,
                outcome=row["outcome"],
                task=content_of(row).get("task", ""),
            )
            for row in reversed(rows)
        ]

    async def traits(self) -> dict[ItemId, Traits]:
        """Space and tags of every item there ever was."""
        rows = await self._connection.rows("traits")
        return {ItemId(row["id"]): Traits(space=row["space"], tags=list_of(row["tags"])) for row in rows}

    async def reports(self, receipt: ReceiptId) -> list[dict[str, str]]:
        """The reports on a receipt, oldest first: feedback, at, outcome."""
        rows = await self._connection.rows("reports_on", receipt=receipt)
        return [
            {"feedback": row["id"], "at": moment(row["at"]).isoformat(timespec="seconds"), "outcome": row["outcome"]}
            for row in rows
        ]

    async def asked(self, agent: AgentName, gap: str) -> bool:
        """Whether the agent was asked about that gap."""
        return await self._connection.row("asked", agent=agent, gap=gap) is not None
