"""The census: how much the ledger holds, and whether its file is whole."""

from collections import Counter
from dataclasses import dataclass, field

from fleetlore.storage.connection import Connection
from fleetlore.storage.records import Space, Status


@dataclass(frozen=True, kw_only=True, slots=True)
class Census:
    """Counts for `status` and `/healthz`: items by (space, status), agents, receipts given and answered.

    `archived` are those of the receipts that are in the archive, `feedback` counts agents' own words, `implicit` the
    receipts not answered of which an outcome was seen, `held` the living items that wait for a person to look at them.
    """

    items: dict[tuple[Space, Status], int] = field(default_factory=dict)
    pruned: int = 0
    held: int = 0
    agents: int = 0
    feedback: int = 0
    receipts: int = 0
    archived: int = 0
    answered: int = 0
    implicit: int = 0


class CensusView:
    """Questions to the ledger as a whole."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def count(self, space: Space) -> int:
        """How many items live in the space."""
        row = await self._connection.row("count_of_space", space=space)
        return 0 if row is None else int(row["count"])

    async def agents(self) -> int:
        """How many agents this ledger has seen."""
        row = await self._connection.row("count_agents")
        return 0 if row is None else int(row["count"])

    async def census(self) -> Census:
        """Counts over the whole ledger."""
        items: Counter[tuple[Space, Status]] = Counter()
        for row in await self._connection.rows("census_items"):
            items[row["space"], row["status"]] += row["count"]
        [row] = await self._connection.rows("census")
        counts = dict(row)
        pruned = counts.pop("items") - items.total()
        return Census(items={key: count for key, count in items.items() if count}, pruned=pruned, **counts)

    async def faults(self) -> list[str]:
        """What SQLite finds wrong with its file: the first five of it."""
        return [row[0] for row in await self._connection.rows("faults") if row[0] != "ok"]

    async def all_faults(self) -> list[str]:
        """The same by a longer look, which also compares indexes with their tables."""
        return [row[0] for row in await self._connection.rows("all_faults") if row[0] != "ok"]
