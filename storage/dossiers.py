"""Dossiers: an item with everything that is said of it, as it leaves one store and enters another.

A dossier names the reports that bear the item out or speak against it, with their reasoning and without the tasks,
which may be private. What a store derives by itself (digests, counts, links) does not travel.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fleetlore.storage.connection import Connection
from fleetlore.storage.identifiers import FeedbackId, ItemId, PlanId
from fleetlore.storage.records import AgentName, Implicit, Item, Outcome, PlanKind, Verdict
from fleetlore.storage.rows import content_of, microseconds, moment, row_of_verdict, verdict_of
from fleetlore.storage.sealing import Sealing


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """What of a report travels: who made it, when, with which outcome and reasoning."""

    id: FeedbackId
    agent: AgentName
    at: datetime
    outcome: Outcome
    implicit: Implicit | Literal[""]
    reasoning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Dossier:
    """An item, what was said of it and by which reports.

    `conflicts` are marks as they stand, also with items that are superseded. `blames` are the reports that called its
    lesson harmful since it was last borne out; `borne_from` is since when outcomes count for its stage.
    """

    item: Item
    verdicts: tuple[Verdict, ...]
    statements: tuple[Statement, ...]
    conflicts: tuple[ItemId, ...] = ()
    blames: tuple[FeedbackId, ...] = ()
    borne_from: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """An item that a store has already, by its id or by its words."""

    id: ItemId
    space: str
    owner: str
    digest: str
    gist: str
    pruned_by: PlanId | None = None
    plan_kind: PlanKind | None = None
    merged: bool = False


class DossierView:
    """Questions to the ledger about many items at once, for carrying them elsewhere."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """What is read inside the block is the state of one moment, whoever writes meanwhile."""
        await self._connection.script("BEGIN")
        try:
            yield
        finally:
            await self._connection.script("COMMIT")

    async def exportable(self, *, agent: AgentName, space: str, project: str, tags: Sequence[str]) -> list[ItemId]:
        """Living items that the agent may see, by id; a superseded one only beside its successor."""
        rows = await self._connection.rows(
            "exportable", agent=agent, space=space, project=project, tags=json.dumps(list(tags))
        )
        successors = {row["id"]: row["successor"] for row in rows}
        return [ItemId(item) for item in successors if _led_somewhere(item, successors)]

    async def verdicts_of(self, ids: Iterable[ItemId]) -> dict[ItemId, list[Verdict]]:
        """What was said of each of the items, oldest first."""
        found: dict[ItemId, list[Verdict]] = {}
        for row in await self._connection.rows("verdicts_of", ids=json.dumps(list(ids))):
            found.setdefault(ItemId(row["item"]), []).append(verdict_of(row))
        return found

    async def statements(self, ids: Iterable[FeedbackId]) -> dict[FeedbackId, Statement]:
        """Those of the reports that are known."""
        rows = await self._connection.rows("statements", ids=json.dumps(list(ids)))
        return {
            FeedbackId(row["id"]): Statement(
                id=FeedbackId(row["id"]),
                agent=AgentName(row["agent"]),
                at=moment(row["at"]),
                outcome=row["outcome"],
                implicit=row["implicit"],
                reasoning=content_of(row).get("reasoning", ""),
            )
            for row in rows
        }

    async def blames_of(self, ids: Iterable[ItemId]) -> dict[ItemId, list[FeedbackId]]:
        """The reports that called the lesson of each of the items harmful."""
        found: dict[ItemId, list[FeedbackId]] = {}
        for row in await self._connection.rows("blames_of", ids=json.dumps(list(ids))):
            found.setdefault(ItemId(row["item"]), []).append(FeedbackId(row["feedback"]))
        return found

    async def marks_of(self, ids: Iterable[ItemId]) -> dict[ItemId, list[ItemId]]:
        """The items that each of the items is marked as contradicting, living or not."""
        found: dict[ItemId, list[ItemId]] = {}
        for row in await self._connection.rows("marks_of", ids=json.dumps(list(ids))):
            found.setdefault(ItemId(row["item"]), []).append(ItemId(row["other"]))
        return found

    async def borne_from(self, ids: Iterable[ItemId]) -> dict[ItemId, datetime]:
        """Since when outcomes count, for items that were pruned and came back."""
        rows = await self._connection.rows("borne_from", ids=json.dumps(list(ids)))
        return {ItemId(row["id"]): moment(row["borne_from"]) for row in rows}

    async def standing(
        self, *, ids: Iterable[ItemId] = (), digests: Iterable[str] = (), gists: Iterable[str] = (), agent: str
    ) -> list[Standing]:
        """Every item, living or pruned, oldest first, with one of these ids, whosever it is, or of these words.

        Words count in the general space and, by `digests`, in the agent's own.
        """
        rows = await self._connection.rows(
            "standing",
            ids=json.dumps(sorted(set(ids))),
            digests=json.dumps(sorted(set(digests))),
            gists=json.dumps(sorted(set(gists))),
            agent=agent,
        )
        return [
            Standing(
                id=ItemId(row["id"]),
                space=row["space"],
                owner=row["owner"],
                digest=row["digest"],
                gist=row["gist"],
                pruned_by=PlanId(row["pruned_by"]) if row["pruned_by"] else None,
                plan_kind=row["plan_kind"],
                merged=row["merged_into"] is not None,
            )
            for row in rows
        ]


class Adoption(Sealing):
    """The part of a transaction that takes dossiers in; conflicts are marked as a plan's."""

    async def adopt(self, dossiers: Sequence[Dossier], plan: PlanId, *, judgement: int) -> None:
        """Stores items as they were elsewhere, with what was said of them; their digests are this store's own.

        `judgement` is the one that found their flags: what is held stays provisional, whatever it was elsewhere.
        """
        await self._adopt_texts([_content_of_item(dossier.item) for dossier in dossiers])
        await self._connection.run_many(
            "adopt_item", [_row_of(dossier) | {"judgement": judgement} for dossier in dossiers]
        )
        statements = {statement.id: statement for dossier in dossiers for statement in dossier.statements}
        own = {statement.id for dossier in dossiers if dossier.item.owner for statement in dossier.statements}
        await self._adopt_texts([_content_of(one) for one in statements.values()])
        await self._connection.run_many(
            "adopt_feedback",
            [
                {
                    "id": one.id,
                    "at": microseconds(one.at),
                    "agent": one.agent,
                    "outcome": one.outcome,
                    "implicit": one.implicit,
                    "own": one.id in own,
                }
                for one in statements.values()
            ],
        )
        await self._connection.run_many(
            "put_verdict", [row_of_verdict(verdict) for dossier in dossiers for verdict in dossier.verdicts]
        )
        await self._connection.run_many("count_verdicts", [{"id": dossier.item.id} for dossier in dossiers])
        await self._connection.run_many(
            "adopt_blame",
            [
                {
                    "lesson": dossier.item.lesson,
                    "agent": statements[blame].agent,
                    "feedback": blame,
                    "at": microseconds(statements[blame].at),
                }
                for dossier in dossiers
                for blame in dossier.blames
            ],
        )
        pairs = [(dossier.item.id, other) for dossier in dossiers for other in dossier.conflicts]
        await self._connection.run_many(
            "add_conflict",
            [
                {"item": one, "other": other, "feedback": plan}
                for pair in pairs
                for one, other in (pair, reversed(pair))
            ],
        )
        for report in statements.values():
            if report.id in self.unbound:
                await self.record("adopted", agent=report.agent, subject=report.id, plan=plan)

    async def stand_in(self, absent: ItemId, known: ItemId) -> None:
        """What was adopted with a reference to `absent`, an item that is known here as `known`, refers to that."""
        await self._connection.run("succeed_in_place_of", absent=absent, known=known)
        await self._connection.run("contest_in_place_of", absent=absent, known=known)


def _led_somewhere(item: str, successors: Mapping[str, str | None]) -> bool:
    """Whether what came after the item, if anything did, comes along."""
    seen = set()
    current: str | None = item
    while current is not None:
        if current not in successors or current in seen:
            return False
        seen.add(current)
        current = successors[current]
    return True


def _content_of_item(item: Item) -> tuple[str, str]:
    return item.id, json.dumps({"insight": item.insight, "applies_when": item.applies_when})


def _content_of(statement: Statement) -> tuple[str, str]:
    reasoning = statement.reasoning
    body = {"reasoning": reasoning, "assessment": [reasoning]} if reasoning else {}
    return statement.id, json.dumps(body)


def _row_of(dossier: Dossier) -> dict[str, object]:
    item = dossier.item
    return {
        "id": item.id,
        "space": item.space,
        "owner": item.owner,
        "kind": item.kind,
        "task_type": item.task_type,
        "project": item.project,
        "tags": json.dumps(item.tags),
        "digest": item.digest,
        "condition": item.condition,
        "lesson": item.lesson,
        "slot": item.slot,
        "gist": item.gist,
        "author": item.author,
        "feedback": item.feedback,
        "created_at": microseconds(item.created_at),
        "updated_at": microseconds(item.updated_at),
        "stage": item.stage,
        "trust": item.evidence.trust,
        "borne_from": microseconds(dossier.borne_from) if dossier.borne_from else 0,
        "superseded_by": item.superseded_by,
        "flags": " ".join(item.flags),
    }
