"""Who is trusted how far, and what everybody told in the ledger's order: to judge agents, and to retell without one."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from fleetlore.storage.connection import Connection, Row
from fleetlore.storage.identifiers import FeedbackId, ItemId, PlanId, ReceiptId
from fleetlore.storage.records import AgentName, Implicit, Outcome
from fleetlore.storage.rows import microseconds, moment

_SLICE = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentStanding:
    """What a ledger knows of an agent; of one that only an import names, no times.

    `reports` are its own words, `judged` those that its slip rate rests on. `lessons` are the items of the general
    space that it brought, by what has become of them; `merged` ones live on in another's. `tokens`: those that count.
    """

    agent: AgentName
    reports: int
    judged: int
    lessons: int
    active: int
    provisional: int
    contested: int
    superseded: int
    pruned: int
    merged: int
    tokens: int = 0
    slip: float | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    withdrawn_by: PlanId | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A report, or an outcome that was seen (`implicit`), with what it did and the receipt that it answers.

    `item` is what its insight was to the ledger: a lesson of the general space, as `decision` says; None without one.
    `direct`: it speaks of `credited` and `blamed` by name, without a receipt from these `sources`. `shown` is relevance
    and score by item.
    """

    at: datetime
    agent: AgentName
    feedback: FeedbackId
    outcome: Outcome
    implicit: Implicit | Literal[""]
    receipt: ReceiptId | None
    item: ItemId | None
    decision: str
    direct: bool
    credit: float
    credited: tuple[ItemId, ...]
    blamed: tuple[ItemId, ...]
    sources: Mapping[ItemId, str] = field(default_factory=dict)
    near: tuple[tuple[ItemId, float], ...] = ()
    shown: Mapping[ItemId, tuple[float, float]] = field(default_factory=dict)
    control: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turned:
    """What else happened to an item: `other` is its successor or survivor; `act` is what was taken back.

    `planned`: a plan did it, not a report.
    """

    at: datetime
    agent: AgentName
    kind: Literal["superseded", "pruned", "merged", "restored", "imported"]
    item: ItemId
    planned: bool
    other: ItemId | None = None
    act: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What an item of the general space says (digests as in `Item`), whose it is, its trust now, and if it is held."""

    author: AgentName
    lesson: str
    slot: str
    trust: float
    held: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstSeen:
    """When an agent was first seen."""

    agent: AgentName
    first_seen: datetime


class StandingsView:
    """Questions to the ledger about agents, and about everything that was ever told."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def standings(self, now: datetime) -> list[AgentStanding]:
        """Every agent that was seen, reported, brought something or has a token, by name."""
        return [_standing(row) for row in await self._connection.rows("standings", now=microseconds(now))]

    async def agent_known(self, agent: AgentName) -> bool:
        """Whether it was ever seen, reported, brought something or had a token."""
        [row] = await self._connection.rows("agent_known", name=agent)
        return bool(row["known"])

    async def withdrawn_by(self, agent: AgentName) -> PlanId | None:
        """The plan by which the agent is withdrawn now; None for everybody else."""
        row = await self._connection.row("withdrawn_by", name=agent)
        return PlanId(row["withdrawn_by"]) if row and row["withdrawn_by"] else None

    async def silenced(self) -> dict[AgentName, datetime]:
        """Agents that were withdrawn, and until when: what they said before does not count."""
        return {AgentName(row["agent"]): moment(row["until"]) for row in await self._connection.rows("silenced")}

    async def arrivals_of_agents(self) -> list[FirstSeen]:
        """When each agent was first seen."""
        rows = await self._connection.rows("arrivals_of_agents")
        return [FirstSeen(agent=AgentName(row["name"]), first_seen=moment(row["first_seen"])) for row in rows]

    async def slips(self) -> dict[AgentName, float]:
        """The slip rates that are known."""
        rows = await self._connection.rows("arrivals_of_agents")
        return {AgentName(row["name"]): row["slip"] for row in rows if row["slip"] is not None}

    async def kept_items(self) -> dict[ItemId, Kept]:
        """Every item of the general space there ever was."""
        rows = await self._connection.rows("kept_items")
        return {
            ItemId(row["id"]): Kept(
                author=AgentName(row["author"]),
                lesson=row["lesson"],
                slot=row["slot"],
                trust=row["trust"],
                held=bool(row["held"]),
            )
            for row in rows
        }

    async def last_event(self) -> int:
        """Where the ledger's order ends."""
        [row] = await self._connection.rows("last_event")
        return int(row["seq"])

    async def happened_after(self, after: int, until: int) -> AsyncIterator[tuple[int, Told | Turned]]:
        """What was told and what else happened to items behind `after`, each with its place in the ledger's order.

        Reports that came by an import, or that were erased, are not among it.
        """
        while rows := await self._connection.rows("happened_after", after=after, until=until, limit=_SLICE):
            for row in rows:
                after = row["seq"]
                if row["kind"] not in ("feedback", "implied"):
                    yield after, _turned(row)
                elif row["answer"]:
                    yield after, _told(row)


def _standing(row: Row) -> AgentStanding:
    values = dict(row)
    agent, first, last, by = (values.pop(name) for name in ("name", "first_seen", "last_seen", "withdrawn_by"))
    return AgentStanding(
        agent=AgentName(agent),
        first_seen=None if first is None else moment(first),
        last_seen=None if last is None else moment(last),
        withdrawn_by=PlanId(by) if by else None,
        **values,
    )


def _told(row: Row) -> Told:
    body, answer = json.loads(row["body"]), json.loads(row["answer"])
    shown = {ItemId(item): (relevance, score) for item, relevance, score, *_ in json.loads(row["shown"] or "[]")}
    credited, blamed = (tuple(ItemId(item) for item in answer[name]) for name in ("credited", "blamed"))
    learned = next((one for one in answer["learned"] if one["space"] == "general"), None)
    direct, sources = body.get("named"), body.get("sources")
    if (
        direct is None
    ):  # an earlier version noted neither; the verdicts still tell, as far as none has taken their place
        spoken = {*credited, *blamed}
        direct = bool(spoken) and (
            bool(row["direct"]) if row["direct"] is not None else not shown or spoken < shown.keys()
        )
        sources = json.loads(row["sources"] or "{}")
    return Told(
        at=moment(row["at"]),
        agent=AgentName(row["agent"]),
        feedback=FeedbackId(row["subject"]),
        outcome=row["outcome"],
        implicit=row["implicit"],
        receipt=ReceiptId(row["receipt"]) if row["receipt"] else None,
        item=ItemId(learned["id"]) if learned and learned["id"] else None,
        decision=learned["decision"] if learned else "",
        direct=direct,
        credit=body.get("credit", 0.0),
        credited=credited,
        blamed=blamed,
        sources={ItemId(item): source for item, source in sources.items()},
        near=tuple((ItemId(item), relevance) for item, relevance in json.loads(row["near"] or "[]")),
        shown=shown,
        control=json.loads(row["control"] or "{}"),
    )


def _turned(row: Row) -> Turned:
    body = json.loads(row["body"])
    return Turned(
        at=moment(row["at"]),
        agent=AgentName(row["agent"]),
        kind="restored" if row["kind"] == "withdrawal undone" else row["kind"],
        item=ItemId(row["subject"]),
        planned="plan" in body,
        other=body.get("successor") or body.get("into"),
        act=body.get("act", ""),
    )
