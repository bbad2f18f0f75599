"""Writing what reports say of items, of agents, and of reports."""

import json
from collections.abc import Mapping
from dataclasses import fields

from fleetlore.storage.connection import Connection
from fleetlore.storage.identifiers import FeedbackId, ItemId
from fleetlore.storage.records import AgentName, Experience, Verdict
from fleetlore.storage.rows import row_of_verdict


class EvidenceBook:
    """The part of a transaction, at the time `_at` in microseconds, that keeps evidence."""

    _connection: Connection
    _at: int

    async def put_verdict(self, verdict: Verdict) -> None:
        """Stores what a report says of an item, in place of what the same source said before, and counts anew."""
        await self._connection.run("put_verdict", **row_of_verdict(verdict))
        await self._connection.run("count_verdicts", id=verdict.item)

    async def set_trust(self, item: ItemId, trust: float, *, news: bool = True) -> None:
        """Changes an item's trust. Without `news` the item counts as no younger for it."""
        await self._connection.run("set_trust", id=item, trust=trust, at=self._at if news else 0)

    async def shift_trust(self, trusts: Mapping[ItemId, float]) -> None:
        """Changes the trust of many items by what was said of their neighbours; that is no update of theirs."""
        await self._connection.run_many("shift_trust", [{"id": item, "trust": trust} for item, trust in trusts.items()])

    async def slips_of_newcomers(self, latest: int) -> list[float]:
        """What the slip rates of the latest so many new agents have come to."""
        return [row["slip"] for row in await self._connection.rows("slips_of_newcomers", latest=latest)]

    async def set_slip(self, agent: AgentName, slip: float) -> None:
        """Changes an agent's slip rate."""
        await self._connection.run("set_slip", name=agent, slip=slip)

    async def set_experience(self, experience: Experience) -> None:
        """Stores what reports taught about reports."""
        values = {field.name: getattr(experience, field.name) for field in fields(experience)}
        values |= {name: json.dumps(values[name]) for name in ("weights", "foreseen")}
        await self._connection.run("set_experience", **values)

    async def blame(self, lesson: str, agent: AgentName, feedback: FeedbackId) -> bool:
        """Notes that the agent called the lesson harmful; False where it had done so since it was last borne out."""
        return bool(await self._connection.rows("blame", lesson=lesson, agent=agent, feedback=feedback, at=self._at))

    async def absolve(self, lesson: str) -> int:
        """Takes back who called the lesson harmful: it was borne out. Returns how many had."""
        return len(await self._connection.rows("absolve", lesson=lesson))
