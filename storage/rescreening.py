"""Screening what an earlier version stored: little by little, so that the secrets it held leave the disk.

Until then, and for plans always, texts are screened whenever they are read (`rows.content_of`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from fleetlore.storage.connection import Connection, Row
from fleetlore.storage.records import AgentName
from fleetlore.storage.redaction import SCREENING, redact_all
from fleetlore.storage.rows import content_of
from fleetlore.storage.sealing import Sealing

if TYPE_CHECKING:
    from fleetlore.storage.ledger import Ledger

_SCREENER = AgentName("fleetlore")
_TEXTS = 100
_CHARACTERS = 500_000
_LABELS = ("task_type", "project", "tags")


@dataclass(frozen=True, kw_only=True, slots=True)
class Screened:
    """A row of `contents` as it was, and as it should be; None: just so. `labels` are those of an item."""

    id: str
    before: str
    content: dict[str, Any] | None
    labels: dict[str, Any]

    @property
    def changed(self) -> bool:
        """Whether anything was taken out."""
        return self.content is not None or bool(self.labels)


class Unscreened:
    """The part of the ledger that knows what has not been screened."""

    _connection: Connection

    async def unscreened(self) -> list[Row]:
        """Some of what has not been screened: not many texts, and not many more characters than a few."""
        found: list[Row] = []
        length = 0
        for row in await self._connection.rows("unscreened", screening=SCREENING, limit=_TEXTS):
            found.append(row)
            length += len(row["content"])
            if length > _CHARACTERS:
                break
        return found


class Rescreening(Sealing):
    """The part of a transaction that stores what was screened."""

    async def keep_screened(self, texts: Sequence[Screened]) -> None:
        """Stores texts as they should be, under a new seal, but for those that somebody has changed meanwhile."""
        for text in texts:
            seen = await self._connection.rows("mark_screened", id=text.id, before=text.before, screening=SCREENING)
            if seen and text.content is not None:
                await self._keep("set_content", text.id, text.content)
            if seen and text.labels:
                await self._connection.run("rescreen_item", id=text.id, **text.labels)
            if seen and text.changed:
                await self.record("screened", agent=_SCREENER, subject=text.id)


async def rescreen(ledger: Ledger) -> int:
    """Screens some of what has not been; returns how many texts had secrets in them."""
    rows = await ledger.read.unscreened()
    if not rows:
        return 0
    texts = await anyio.to_thread.run_sync(lambda: [_screened(row) for row in rows])
    await ledger.write(lambda transaction: transaction.keep_screened(texts))
    return sum(text.changed for text in texts)


def _screened(row: Row) -> Screened:
    labels = {name: redact_all(row[name]) for name in _LABELS} if row["space"] else {}
    content = content_of(row)
    return Screened(
        id=row["id"],
        before=row["content"],
        content=content if content != json.loads(row["content"]) else None,
        labels=labels if any(labels[name] != row[name] for name in labels) else {},
    )
