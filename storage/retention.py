"""Retention in the ledger: receipts of long ago, packed, in a table of their own, and items that may be forgotten.

Archived receipts go on being what they are: they can be looked at, answered, audited and erased. Only the table that
every retrieval writes to stays small.
"""

import json
from datetime import datetime

from fleetlore.storage.connection import Connection
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import AgentName, Space
from fleetlore.storage.rows import microseconds


class RetentionView:
    """Questions of whoever keeps the store in bounds. What a person has restored is left alone for good."""

    _connection: Connection

    async def outworn(self, *, before: datetime, limit: int) -> list[tuple[ItemId, AgentName]]:
        """Items that nobody bore out and of which nobody reported since then, oldest first, each with its owner.

        An agent's own items are their owner's to bear out: of these it is enough that nobody reported.
        """
        rows = await self._connection.rows("outworn", before=microseconds(before), limit=limit)
        return [(ItemId(row["id"]), AgentName(row["owner"])) for row in rows]

    async def surplus(self, space: Space, *, most: int, limit: int) -> list[tuple[ItemId, AgentName]]:
        """What a space has beyond so many items: provisional before active ones, the least trusted first."""
        rows = await self._connection.rows("surplus", space=space, most=most, limit=limit)
        return [(ItemId(row["id"]), AgentName(row["owner"])) for row in rows]


class Retaining:
    """The part of a transaction that archives."""

    _connection: Connection

    async def archive_receipts(self, *, before: datetime, limit: int) -> int:
        """Moves receipts that were given before then, at most so many of the oldest; returns how many it moved."""
        moved = await self._connection.rows("archive", before=microseconds(before), limit=limit)
        if moved:
            await self._connection.run("leave_archived", seqs=json.dumps([row["seq"] for row in moved]))
        return len(moved)
