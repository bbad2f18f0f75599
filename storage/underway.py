"""A rebuild that is under way, as the ledger keeps it: whoever is killed in the midst of one goes on where it was."""

import json
from dataclasses import dataclass

from fleetlore.storage.connection import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Underway:
    """Which generation is being filled, and with which embedder."""

    generation: int
    embedder: str


class UnderwayView:
    """The part of the ledger that knows of it."""

    _connection: Connection

    async def rebuild_underway(self) -> Underway | None:
        """The rebuild that was begun and has not come to its end."""
        meta = {row["key"]: row["value"] for row in await self._connection.rows("meta")}
        if "rebuilding" not in meta:
            return None
        generation, embedder = json.loads(meta["rebuilding"])
        return Underway(generation=generation, embedder=embedder)


class UnderwayBook:
    """The part of a transaction that notes it."""

    _connection: Connection

    async def begin_rebuild(self, begun: Underway) -> None:
        """Notes that the tables of a generation are being filled."""
        value = json.dumps([begun.generation, begun.embedder])
        await self._connection.run("set_meta", key="rebuilding", value=value)

    async def set_generation(self, generation: int, embedder: str) -> None:
        """Makes the spaces of that generation, made with that embedder, the ones to search; ends what was under way."""
        await self._connection.run("set_meta", key="generation", value=str(generation))
        await self._connection.run("set_meta", key="embedder", value=embedder)
        await self._connection.run("end_rebuild")
        await self._connection.run("forget_followed", generation=generation)
