"""What changed of the rows of the knowledge spaces, in the ledger's order: their tables and memory follow it."""

from dataclasses import dataclass

from fleetlore.storage.connection import Connection
from fleetlore.storage.identifiers import ItemId


@dataclass(frozen=True, kw_only=True, slots=True)
class RowChange:
    """The item whose row changed."""

    seq: int
    item: ItemId


NONE_YET = RowChange(seq=0, item=ItemId(""))


class RowChanges:
    """The part of the ledger that knows what changed of the spaces' rows."""

    _connection: Connection

    async def last_row_change(self) -> RowChange:
        """The newest change; `NONE_YET` before the first."""
        row = await self._connection.row("last_row_change")
        return NONE_YET if row is None else RowChange(seq=row["seq"], item=ItemId(row["item"]))

    async def followed(self, generation: int) -> RowChange:
        """The change up to which the tables of that generation hold what the ledger says."""
        row = await self._connection.row("followed", generation=generation)
        return NONE_YET if row is None else RowChange(seq=row["seq"], item=ItemId(row["item"]))

    async def row_changes_after(self, last: RowChange, limit: int | None) -> list[RowChange] | None:
        """At most `limit` changes after `last`, or all.

        None where that cannot be told: `last` is no longer kept, or the ledger is another than the one that had it.
        """
        rows = await self._connection.rows("row_changes_from", seq=last.seq, limit=-1 if limit is None else limit + 1)
        changes = [RowChange(seq=row["seq"], item=ItemId(row["item"])) for row in rows]
        if last == NONE_YET:
            return changes if not changes or changes[0].seq == 1 else None
        return changes[1:] if changes and changes[0] == last else None


class RowFollowing:
    """The part of a transaction that notes who has followed, and keeps the list of changes short."""

    _connection: Connection

    async def set_followed(self, generation: int, last: RowChange) -> None:
        """Notes that the tables of that generation hold what the ledger says, up to that change."""
        await self._connection.run("set_followed", generation=generation, seq=last.seq, item=last.item)

    async def forget_row_changes(self, *, kept: int) -> None:
        """Forgets all but the newest changes that all tables have followed; whose memory is behind reads all anew."""
        await self._connection.run("forget_row_changes", kept=kept)
