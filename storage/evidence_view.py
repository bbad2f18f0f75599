"""What the ledger knows of evidence: who said what of which items, and what reports taught about reports."""

import json
from collections.abc import Collection, Iterable

from fleetlore.storage.connection import Connection
from fleetlore.storage.identifiers import FeedbackId, ItemId, ReceiptId
from fleetlore.storage.records import AgentName, Experience, Verdict
from fleetlore.storage.rows import Lesson, Objection, content_of, verdict_of


class EvidenceView:
    """Questions to the ledger about what was said of items."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def verdict(self, item: ItemId, source: str) -> Verdict | None:
        """What that source last said of the item."""
        row = await self._connection.row("verdict", item=item, source=source)
        return None if row is None else verdict_of(row)

    async def said(self, agent: AgentName, items: Iterable[ItemId]) -> dict[ItemId, dict[str, Verdict]]:
        """What the agent said of these items, by item and source."""
        found: dict[ItemId, dict[str, Verdict]] = {}
        for row in await self._connection.rows("said", agent=agent, items=json.dumps(list(items))):
            verdict = verdict_of(row)
            found.setdefault(verdict.item, {})[verdict.source] = verdict
        return found

    async def verdicts(self, item: ItemId) -> list[Verdict]:
        """What was said of the item, oldest first."""
        return [verdict_of(row) for row in await self._connection.rows("verdicts", item=item)]

    async def implied_verdicts(self, receipt: ReceiptId) -> list[Verdict]:
        """What an outcome that was seen from outside says of the items that the receipt showed."""
        return [verdict_of(row) for row in await self._connection.rows("implied_verdicts", receipt=receipt)]

    async def latest_signs(self, item: ItemId) -> dict[AgentName, int]:
        """For each agent that named the item since it must be borne out, what it said last: +1 or -1."""
        return (await self.latest_signs_of([item])).get(item, {})

    async def latest_signs_of(self, ids: Iterable[ItemId]) -> dict[ItemId, dict[AgentName, int]]:
        """`latest_signs` of many items."""
        found: dict[ItemId, dict[AgentName, int]] = {}
        for row in await self._connection.rows("latest_signs", ids=json.dumps(list(ids))):
            found.setdefault(ItemId(row["item"]), {})[AgentName(row["agent"])] = row["sign"]
        return found

    async def lessons(self, ids: Iterable[ItemId]) -> dict[ItemId, Lesson]:
        """What those of `ids` that live in the general space say, and how far they are trusted."""
        if not (wanted := list(ids)):
            return {}
        rows = await self._connection.rows("neighbours", ids=json.dumps(wanted))
        return {
            ItemId(row["id"]): Lesson(
                lesson=row["lesson"],
                slot=row["slot"],
                author=AgentName(row["author"]),
                trust=row["trust"],
                blames=row["blames"],
            )
            for row in rows
            if row["superseded_by"] is None
        }

    async def brought(self, receipt: ReceiptId, lesson: str) -> bool:
        """Whether a report on this receipt has backed an item that says this."""
        return await self._connection.row("brought", receipt=receipt, lesson=lesson) is not None

    async def objections(self, ids: Collection[ItemId]) -> dict[ItemId, list[Objection]]:
        """The reports that named one of `ids` as harmful, latest first; without words that are not told of the item."""
        found: dict[ItemId, list[Objection]] = {}
        if not ids:
            return found
        for row in await self._connection.rows("speaking_against", ids=json.dumps(list(ids))):
            objection = Objection(
                feedback=FeedbackId(row["feedback"]),
                agent=AgentName(row["agent"]),
                reasoning=content_of(row).get("reasoning", ""),
            )
            found.setdefault(ItemId(row["item"]), []).append(objection)
        return found

    async def slip(self, agent: AgentName) -> float | None:
        """The agent's slip rate; None where nothing is known of it."""
        row = await self._connection.row("slip", name=agent)
        return None if row is None else row["slip"]

    async def experience(self) -> Experience:
        """What reports taught about reports."""
        [row] = await self._connection.rows("experience")
        values = dict(row)
        weights, foreseen = json.loads(values.pop("weights")), json.loads(values.pop("foreseen"))
        return Experience(**values, weights=tuple(weights), foreseen=tuple(map(tuple, foreseen)))
