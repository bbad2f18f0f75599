"""What waits for consolidation: items that came since it last looked, and items that evidence has overtaken."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from fleetlore.storage.connection import Connection
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import AgentName, Space
from fleetlore.storage.rows import microseconds, moment


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """An item in the order in which the ledger took it, and among which others it belongs."""

    seq: int
    id: ItemId
    space: Space
    owner: str
    task_type: str
    living: bool


class Backlog:
    """Questions that consolidation asks the ledger. What a person has restored is left alone for good."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def waiting(self) -> tuple[int, int]:
        """How many items came since consolidation last looked, and how many there ever were."""
        row = await self._connection.row("waiting")
        assert row is not None
        return row["latest"] - row["consolidated"], row["latest"]

    async def waiting_since(self) -> datetime | None:
        """When the first of the items came that wait; None where none does."""
        row = await self._connection.row("waiting_since")
        return None if row is None else moment(row["created_at"])

    async def consolidated_at(self) -> datetime | None:
        """When a pass of consolidation last came to its end."""
        meta = {row["key"]: row["value"] for row in await self._connection.rows("meta")}
        return moment(int(meta["consolidated_at"])) if "consolidated_at" in meta else None

    async def arrivals(self, limit: int) -> list[Arrival]:
        """The first of the items that wait."""
        rows = await self._connection.rows("arrivals", limit=limit)
        return [
            Arrival(
                seq=row["seq"],
                id=ItemId(row["id"]),
                space=row["space"],
                owner=row["owner"],
                task_type=row["task_type"],
                living=bool(row["living"]),
            )
            for row in rows
        ]

    async def judged(self, after: int, limit: int) -> list[tuple[int, ItemId]]:
        """Living general items that somebody besides the author spoke of, behind `after` in the ledger's order."""
        rows = await self._connection.rows("judged", after=after, limit=limit)
        return [(row["seq"], ItemId(row["id"])) for row in rows]

    async def disputes(self, after: str, limit: int) -> list[tuple[ItemId, ItemId]]:
        """Items that lost trust, each with a younger one that contradicts it, behind the item `after`."""
        rows = await self._connection.rows("disputes", after=after, limit=limit)
        return [(ItemId(row["item"]), ItemId(row["other"])) for row in rows]

    async def forgettable(
        self, *, before: datetime, trust: float, contradictions: int
    ) -> list[tuple[ItemId, Space, AgentName]]:
        """As `LedgerView.prunable`, of all owners, if nothing changed since `before`: id, space and owner of each."""
        rows = await self._connection.rows(
            "forgettable", before=microseconds(before), trust=trust, contradictions=contradictions
        )
        return [(ItemId(row["id"]), row["space"], AgentName(row["owner"])) for row in rows]

    async def survivors(self, ids: Iterable[ItemId]) -> dict[ItemId, ItemId]:
        """For those of `ids` that were merged away, the item in which each lives on."""
        if not (wanted := list(ids)):
            return {}
        rows = await self._connection.rows("survivors", ids=json.dumps(wanted))
        return {ItemId(row["id"]): ItemId(row["survivor"]) for row in rows}

    async def wordings(self, item: ItemId) -> list[ItemId]:
        """The items that were merged into this one, directly or not."""
        return [ItemId(row["id"]) for row in await self._connection.rows("wordings", id=item)]

    async def predecessors(self, ids: Iterable[ItemId]) -> dict[ItemId, ItemId]:
        """The items that any of `ids` superseded, each with its successor."""
        rows = await self._connection.rows("predecessors", ids=json.dumps(list(ids)))
        return {ItemId(row["id"]): ItemId(row["superseded_by"]) for row in rows}

    async def successor(self, item: ItemId) -> ItemId | None:
        """The item that was named as its successor, living or not."""
        row = await self._connection.row("successor", id=item)
        return ItemId(row["superseded_by"]) if row and row["superseded_by"] else None
