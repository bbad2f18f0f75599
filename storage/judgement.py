"""What tries to instruct its reader, as the ledger keeps it: judged by which judgement, why held, whether accepted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from fleetlore.storage.connection import Connection
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import Flag
from fleetlore.storage.rows import content_of, list_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Unjudged:
    """An item that the present judgement has not seen: the texts that are shown with it, and its report's reasoning."""

    id: ItemId
    texts: tuple[str, ...]
    beside: str


class JudgementView:
    """Questions about what is held."""

    _connection: Connection

    async def unjudged(self, judgement: int, limit: int) -> list[Unjudged]:
        """Items that an older judgement has seen, or none; what a person accepted stays accepted."""
        return [
            Unjudged(
                id=ItemId(row["id"]),
                texts=(
                    (content := content_of(row)).get("insight", ""),
                    content.get("applies_when", ""),
                    row["task_type"],
                    row["project"],
                    *list_of(row["tags"]),
                ),
                beside=json.loads(row["told"] or "{}").get("reasoning", ""),
            )
            for row in await self._connection.rows("unjudged", judgement=judgement, limit=limit)
        ]

    async def accepted(self, item: ItemId) -> bool:
        """Whether a person accepted the words of an item that exists."""
        row = await self._connection.row("accepted", id=item)
        return row is not None and bool(row["accepted"])


class Judging(JudgementView):
    """Writing what was found. What is held is provisional."""

    async def judge(self, item: ItemId, flags: Sequence[Flag], judgement: int) -> bool:
        """Notes what that judgement found in what was stored before it; False where a later one has seen the item."""
        return bool(await self._connection.rows("judge", id=item, flags=" ".join(flags), judgement=judgement))

    async def hold(self, item: ItemId, flags: Sequence[Flag], judgement: int, *, accepted: bool = False) -> None:
        """Notes what that judgement found in an item's words, or that a person `accepted` them."""
        await self._connection.run("hold", id=item, flags=" ".join(flags), judgement=judgement, accepted=accepted)
