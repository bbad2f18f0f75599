"""A connection to the ledger: named queries, and a driver's errors as ours."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from fleetlore.storage.errors import LedgerDamaged
from fleetlore.storage.handle import Handle
from fleetlore.storage.opening import told_as_ours
from fleetlore.storage.queries import QUERIES

ResultT = TypeVar("ResultT")
Row = sqlite3.Row


class Connection:
    """Named queries on one SQLite connection to the ledger at `path`. `damage` is what was last seen of it."""

    handle: Handle

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: LedgerDamaged | None = None

    async def _use(self, work: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        try:
            return await self.handle.use(work)
        except sqlite3.Error as error:
            told = told_as_ours(error, self.path)
            if isinstance(told, LedgerDamaged):
                self.damage = told
            raise told from error

    async def schema(self) -> int:
        """The version of what is in the file."""
        [(found,)] = await self._use(lambda raw: raw.execute("PRAGMA user_version").fetchall())
        return int(found)

    async def rows(self, query: str, /, **values: object) -> Sequence[Row]:
        """All rows of the named query."""
        return await self._use(lambda raw: raw.execute(QUERIES[query], values).fetchall())

    async def row(self, query: str, /, **values: object) -> Row | None:
        """The first row of the named query, if there is one."""
        rows = await self.rows(query, **values)
        return rows[0] if rows else None

    async def run(self, query: str, /, **values: object) -> None:
        """Carries out the named statement."""
        await self._use(lambda raw: raw.execute(QUERIES[query], values).fetchall())

    async def run_many(self, query: str, values: Sequence[Mapping[str, object]]) -> None:
        """Carries out the named statement once for each set of values."""
        await self._use(lambda raw: raw.executemany(QUERIES[query], values))

    async def checkpointed(self, *, beforehand: bool = False) -> bool:
        """Empties the log into the file, if no reader is in the way; `beforehand` what it can while others write."""
        if beforehand:
            await self.script("PRAGMA wal_checkpoint(PASSIVE)")
        [(busy, _, _)] = await self._use(lambda raw: raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        return not busy

    async def script(self, *statements: str) -> None:
        """Carries out statements of this module's own, one by one, inside whatever transaction is open."""
        for statement in statements:
            await self._use(partial(_carry_out, statement))


def _carry_out(statement: str, raw: sqlite3.Connection) -> None:
    raw.execute(statement).fetchall()
