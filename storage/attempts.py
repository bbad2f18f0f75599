"""Attempts: what agents asked, what they were shown, and how it went first. Read many at once, for gaps and reports."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from fleetlore.storage.connection import Connection
from fleetlore.storage.identifiers import FeedbackId, ItemId, ReceiptId
from fleetlore.storage.records import AgentName, Implicit, Mode, Space
from fleetlore.storage.rows import content_of, list_of, moment

EVERY = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One receipt and the outcome of the first report on it that had one; observations have none.

    Where no report of the agent's own had one, it is what was last seen from outside, and `implicit` says what.
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
    implicit: str = ""
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
        outcomes = [(row["outcome"] or " ").split(" ") for row in rows]
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
                outcome=outcome or None,
                implicit=implicit,
                task=content_of(row).get("task", ""),
            )
            for row, (outcome, implicit) in zip(reversed(rows), reversed(outcomes), strict=True)
        ]

    async def traits(self) -> dict[ItemId, Traits]:
        """Space and tags of every item there ever was; the tags of agents' own items are left out."""
        rows = await self._connection.rows("traits")
        return {ItemId(row["id"]): Traits(space=row["space"], tags=list_of(row["tags"])) for row in rows}

    async def reports(self, receipt: ReceiptId) -> list[dict[str, str]]:
        """The reports on a receipt, oldest first: feedback, at, outcome, and what was seen if it is implicit."""
        rows = await self._connection.rows("reports_on", receipt=receipt)
        return [
            {
                "feedback": row["id"],
                "at": moment(row["at"]).isoformat(timespec="seconds"),
                "outcome": row["outcome"],
                **({"implicit": row["implicit"]} if row["implicit"] else {}),
            }
            for row in rows
        ]

    async def unanswered(self, receipts: Iterable[ReceiptId], *, agent: AgentName | None) -> dict[ReceiptId, str]:
        """Those of the agent's receipts, for None anybody's, that nobody answered or was asked to answer, oldest first.

        With what each was about.
        """
        rows = await self._connection.rows("unanswered", receipts=json.dumps(list(receipts)), agent=agent)
        return {ReceiptId(row["id"]): content_of(row).get("task", "") for row in rows}

    async def latest_receipt(self, among: Iterable[ReceiptId], *, agent: AgentName | None) -> ReceiptId | None:
        """The one of these that was given last, to this agent or, for None, to anybody."""
        row = await self._connection.row("latest_receipt_among", ids=json.dumps(list(among)), agent=agent)
        return None if row is None else ReceiptId(row["id"])

    async def latest_implied(self, receipt: ReceiptId) -> tuple[FeedbackId, Implicit] | None:
        """The outcome that was last seen from outside, and as what it is kept."""
        row = await self._connection.row("latest_implied", receipt=receipt)
        return None if row is None else (FeedbackId(row["id"]), row["implicit"])

    async def asked(self, agent: AgentName, gap: str) -> bool:
        """Whether the agent was asked about that gap."""
        return await self._connection.row("asked", agent=agent, gap=gap) is not None
