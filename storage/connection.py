"""A connection to the ledger: named queries, and a driver's errors as ours."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from fleetlore.storage.errors import LedgerDamaged
from fleetlore.storage.handle import Handle
from fleetlore.storage.opening import told_as_ours
from fleetlore.storage.queries import QUERIES

Row = sqlite3.Row


class Connection:
    """Named queries on one SQLite connection to the ledger at `path`. `damage` is what was last seen of it."""

    handle: Handle

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: LedgerDamaged | None = None

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            told = told_as_ours(error, self.path)
            if isinstance(told, LedgerDamaged):
                self.damage = told
            raise told from error

    async def schema(self) -> int:
        """The version of what is in the file."""
        with self._our_errors():
            [(found,)] = await self.handle.execute("PRAGMA user_version")
        return int(found)

    async def rows(self, query: str, /, **values: object) -> Sequence[Row]:
        """All rows of the named query."""
        with self._our_errors():
            return await self.handle.execute(QUERIES[query], values)

    async def row(self, query: str, /, **values: object) -> Row | None:
        """The first row of the named query, if there is one."""
        rows = await self.rows(query, **values)
        return rows[0] if rows else None

    async def run(self, query: str, /, **values: object) -> None:
        """Carries out the named statement."""
        with self._our_errors():
            await self.handle.execute(QUERIES[query], values)

    async def run_many(self, query: str, values: Sequence[Mapping[str, object]]) -> None:
        """Carries out the named statement once for each set of values."""
        with self._our_errors():
            await self.handle.use(lambda raw: raw.executemany(QUERIES[query], values))

    async def checkpointed(self, *, beforehand: bool = False) -> bool:
        """Empties the log into the file, if no reader is in the way; `beforehand` what it can while others write."""
        with self._our_errors():
            if beforehand:
                await self.handle.execute("PRAGMA wal_checkpoint(PASSIVE)")
            [(busy, _, _)] = await self.handle.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return not busy

    async def script(self, *statements: str) -> None:
        """Carries out statements of this module's own, one by one, inside whatever transaction is open."""
        with self._our_errors():
            for statement in statements:
                await self.handle.execute(statement)
