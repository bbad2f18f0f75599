"""What withdrawing an agent changes, as the ledger keeps it: what was before, and what was made of it.

Both are kept, so that taking it back gives every value back exactly where nothing has come since, and can tell what
has come elsewhere. Identifiers and numbers only.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from fleetlore.storage.connection import Connection, Row
from fleetlore.storage.identifiers import FeedbackId, ItemId, PlanId
from fleetlore.storage.records import NO_EXPERIENCE, AgentName, Experience, PlanKind, Stage, Verdict
from fleetlore.storage.rows import microseconds, moment, row_of_verdict, verdict_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Bearing:
    """How an item stands: who brought it, how far it is trusted, and what has taken it away or its place."""

    author: AgentName
    feedback: FeedbackId
    stage: Stage
    trust: float
    superseded_by: ItemId | None = None
    pruned_by: PlanId | None = None
    merged_into: ItemId | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """An item before and after."""

    item: ItemId
    before: Bearing
    after: Bearing


@dataclass(frozen=True, kw_only=True, slots=True)
class Blame:
    """Who called which lesson harmful, and by which report."""

    lesson: str
    agent: AgentName
    feedback: FeedbackId
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Two items that a report or a plan marked as contradicting each other, in one direction."""

    item: ItemId
    other: ItemId
    feedback: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdrawal:
    """All that changes when an agent is withdrawn; what is `taken` goes, what is `given` comes.

    `slips` are other agents' slip rates before and after.
    """

    agent: AgentName
    shifts: tuple[Shift, ...] = ()
    verdicts_taken: tuple[Verdict, ...] = ()
    verdicts_given: tuple[Verdict, ...] = ()
    marks_taken: tuple[Mark, ...] = ()
    marks_given: tuple[Mark, ...] = ()
    blames_taken: tuple[Blame, ...] = ()
    blames_given: tuple[Blame, ...] = ()
    slips: Mapping[AgentName, tuple[float, float]] = field(default_factory=dict)
    experience: tuple[Experience, Experience] = (NO_EXPERIENCE, NO_EXPERIENCE)


class WithdrawalsView:
    """Questions to the ledger that only withdrawing an agent asks. All are about the general space."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def bearings(self, ids: Iterable[ItemId]) -> dict[ItemId, Bearing]:
        """How those of the items that are in the general space stand."""
        rows = await self._connection.rows("bearings", ids=json.dumps(list(ids)))
        return {
            ItemId(row["id"]): Bearing(**{name: row[name] for name in Bearing.__slots__})  # named as the columns are
            for row in rows
        }

    async def brought_by(self, agent: AgentName) -> list[ItemId]:
        """The items that the agent is the author of, oldest first."""
        return [ItemId(row["id"]) for row in await self._connection.rows("brought_by", agent=agent)]

    async def wordings_of(self, ids: Iterable[ItemId]) -> dict[ItemId, list[tuple[ItemId, AgentName]]]:
        """The items that were merged directly into each of these, oldest first, with their authors."""
        found: dict[ItemId, list[tuple[ItemId, AgentName]]] = {}
        for row in await self._connection.rows("wordings_of", ids=json.dumps(list(ids))):
            found.setdefault(ItemId(row["merged_into"]), []).append((ItemId(row["id"]), AgentName(row["author"])))
        return found

    async def verdicts_by(self, agent: AgentName) -> list[Verdict]:
        """What the agent says of items of the general space."""
        return [verdict_of(row) for row in await self._connection.rows("verdicts_by", agent=agent)]

    async def marks_by(self, agent: AgentName) -> list[Mark]:
        """The conflicts that the agent's reports marked."""
        return [_mark(row) for row in await self._connection.rows("conflicts_by", agent=agent)]

    async def marks_on(self, ids: Iterable[ItemId]) -> list[Mark]:
        """The conflicts that these items are marked with."""
        return [_mark(row) for row in await self._connection.rows("conflicts_among", ids=json.dumps(list(ids)))]

    async def every_blame(self) -> list[Blame]:
        """Who calls which lesson harmful."""
        return [_blame(row) for row in await self._connection.rows("every_blame")]

    async def taken_away_by(self, agent: AgentName) -> list[tuple[ItemId, PlanId, PlanKind]]:
        """Items that the agent's own plans pruned, and those that consolidation did against which it spoke."""
        rows = await self._connection.rows("taken_by", agent=agent)
        return [(ItemId(row["id"]), PlanId(row["plan"]), row["kind"]) for row in rows]

    async def plans_in_name_of(self, agent: AgentName) -> list[PlanId]:
        """The agent's edits and imports that still stand."""
        return [PlanId(row["id"]) for row in await self._connection.rows("plans_of", agent=agent)]

    async def reports_of(self, agent: AgentName) -> int:
        """How many reports the agent made."""
        [row] = await self._connection.rows("reports_of", agent=agent)
        return int(row["count"])

    async def tokens_of(self, agent: AgentName, now: datetime) -> int:
        """How many tokens of the agent count now."""
        [row] = await self._connection.rows("tokens_of", agent=agent, now=microseconds(now))
        return int(row["count"])

    async def withdrawal(self, plan: PlanId) -> Withdrawal | None:
        """What a plan that withdrew an agent changed."""
        row = await self._connection.row("withdrawal", plan=plan)
        return None if row is None else _loaded(AgentName(row["agent"]), json.loads(row["changes"]))


class Withdrawing:
    """The part of a transaction that carries a withdrawal out, either way."""

    _connection: Connection
    _at: int

    async def keep_withdrawal(self, plan: PlanId, withdrawal: Withdrawal) -> None:
        """Stores what the plan changes, and marks its agent as withdrawn."""
        await self._connection.run(
            "add_withdrawal", plan=plan, agent=withdrawal.agent, changes=json.dumps(_dumped(withdrawal))
        )
        await self._connection.run("withdraw_agent", name=withdrawal.agent, at=self._at, plan=plan)

    async def readmit(self, agent: AgentName, plan: PlanId | None = None) -> None:
        """Lets a withdrawn agent report again; with `plan`, only if it was that which withdrew it."""
        await self._connection.run("readmit_agent", name=agent, plan=plan or "")

    async def bear(self, bearings: Mapping[ItemId, Bearing]) -> None:
        """Makes items stand like that."""
        await self._connection.run_many(
            "set_bearing", [{"id": item} | asdict(bearing) for item, bearing in bearings.items()]
        )

    async def exchange_verdicts(self, *, taken: Sequence[Verdict], given: Sequence[Verdict]) -> None:
        """Takes verdicts away, puts others in place, and counts anew."""
        keys = [{"item": verdict.item, "source": verdict.source} for verdict in taken]
        await self._connection.run_many("remove_verdict", keys)
        await self._connection.run_many("put_verdict", [row_of_verdict(verdict) for verdict in given])
        changed = sorted({verdict.item for verdict in (*taken, *given)})
        await self._connection.run_many("count_verdicts", [{"id": item} for item in changed])

    async def exchange_marks(self, *, taken: Sequence[Mark], given: Sequence[Mark]) -> None:
        """Takes marks of conflicts away and puts others in place."""
        await self._connection.run_many("unmark_conflict", [asdict(mark) for mark in taken])
        await self._connection.run_many("add_conflict", [asdict(mark) for mark in given])

    async def exchange_blames(self, *, taken: Sequence[Blame], given: Sequence[Blame]) -> None:
        """Takes blames back and makes others."""
        await self._connection.run_many("unblame", [_row_of_blame(blame) for blame in taken])
        await self._connection.run_many("adopt_blame", [_row_of_blame(blame) for blame in given])

    async def pass_on(self, item: ItemId, author: AgentName, feedback: FeedbackId) -> None:
        """Makes an item another agent's, who has found the same by that report."""
        await self._connection.run("adopt_author", id=item, author=author, feedback=feedback)


def _mark(row: Row) -> Mark:
    return Mark(item=ItemId(row["item"]), other=ItemId(row["other"]), feedback=row["feedback"])


def _blame(row: Mapping[str, Any] | Row) -> Blame:
    return Blame(
        lesson=row["lesson"],
        agent=AgentName(row["agent"]),
        feedback=FeedbackId(row["feedback"]),
        at=moment(row["at"]),
    )


def _row_of_blame(blame: Blame) -> dict[str, object]:
    return asdict(blame) | {"at": microseconds(blame.at)}


def _dumped(withdrawal: Withdrawal) -> dict[str, object]:
    return {
        "shifts": [
            [shift.item, *(_row_of_bearing(bearing) for bearing in (shift.before, shift.after))]
            for shift in withdrawal.shifts
        ],
        **{
            name: [row_of_verdict(verdict) for verdict in getattr(withdrawal, name)]
            for name in ("verdicts_taken", "verdicts_given")
        },
        **{name: [asdict(mark) for mark in getattr(withdrawal, name)] for name in ("marks_taken", "marks_given")},
        **{
            name: [_row_of_blame(one) for one in getattr(withdrawal, name)] for name in ("blames_taken", "blames_given")
        },
        "slips": withdrawal.slips,
        "experience": [asdict(experience) for experience in withdrawal.experience],
    }


def _loaded(agent: AgentName, values: Mapping[str, Any]) -> Withdrawal:
    before, after = map(_experience, values["experience"])
    return Withdrawal(
        agent=agent,
        shifts=tuple(
            Shift(item=ItemId(item), before=_bearing(before), after=_bearing(after))
            for item, before, after in values["shifts"]
        ),
        verdicts_taken=tuple(map(verdict_of, values["verdicts_taken"])),
        verdicts_given=tuple(map(verdict_of, values["verdicts_given"])),
        marks_taken=tuple(Mark(**row) for row in values["marks_taken"]),
        marks_given=tuple(Mark(**row) for row in values["marks_given"]),
        blames_taken=tuple(map(_blame, values["blames_taken"])),
        blames_given=tuple(map(_blame, values["blames_given"])),
        slips={AgentName(name): (before, after) for name, (before, after) in values["slips"].items()},
        experience=(before, after),
    )


def _row_of_bearing(bearing: Bearing) -> list[object]:
    return [getattr(bearing, name) for name in Bearing.__slots__]


def _bearing(row: Sequence[Any]) -> Bearing:
    return Bearing(**dict(zip(Bearing.__slots__, row, strict=True)))


def _experience(values: dict[str, Any]) -> Experience:
    lists = {"weights": tuple(values["weights"]), "foreseen": tuple(map(tuple, values["foreseen"]))}
    return Experience(**values | lists)
