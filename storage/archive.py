"""The archive: receipts of long ago, packed, in a table of their own.

They go on being what they are: they can be looked at, answered, audited and erased. Only the table that every
retrieval writes to stays small.
"""

import json
from datetime import datetime

from fleetlore.storage.connection import Connection
from fleetlore.storage.rows import microseconds


class Archive:
    """The part of a transaction that archives."""

    _connection: Connection

    async def archive_receipts(self, *, before: datetime, limit: int) -> int:
        """Moves receipts that were given before then, at most so many of the oldest; returns how many it moved."""
        moved = await self._connection.rows("archive", before=microseconds(before), limit=limit)
        if moved:
            await self._connection.run("leave_archived", seqs=json.dumps([row["seq"] for row in moved]))
        return len(moved)
