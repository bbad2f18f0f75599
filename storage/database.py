"""The ledger's connection: one SQLite file in WAL mode, opened through aiosqlite, migrated, written in groups.

A driver's errors become ours here and nowhere else.
"""

import random
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
import anyio

from fleetlore.storage.batching import Batcher
from fleetlore.storage.chain import link_of
from fleetlore.storage.errors import DataDirectoryUnusable, DataNewer, StorageBusy, StorageFault, StorageFull
from fleetlore.storage.texts import holds

ResultT = TypeVar("ResultT")
Row = sqlite3.Row
SQLITE_VERSION = sqlite3.sqlite_version

_BUSY_TIMEOUT_MS = 10_000
_CHECKPOINTS = 3  # of which each waits as long for readers
# Whoever maintains moves the log's pages into the file at 4 MiB (`checkpoint`); others only where nobody does.
_LOG_BYTES = 4 << 20
_LONGEST_LOG_PAGES = 16_384  # of 4 KiB
_CHECKPOINT_PATIENCE = 0.02
_FULL = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC"}


def _resource(folder: str) -> Iterator[tuple[str, str]]:
    files = sorted(resources.files("fleetlore.storage").joinpath(folder).iterdir(), key=lambda file: file.name)
    return ((file.name, file.read_text("utf-8")) for file in files if file.name.endswith(".sql"))


def _named_queries() -> dict[str, str]:
    queries: dict[str, str] = {}
    for _, text in _resource("sql"):
        for block in text.split("-- name: ")[1:]:
            name, _, statement = block.partition("\n")
            queries[name.strip()] = re.sub(r"\s+", " ", statement).strip().rstrip(";")
    return queries


QUERIES = _named_queries()
MIGRATIONS = {int(name[:4]): text for name, text in _resource("migrations")}
SCHEMA = max(MIGRATIONS)


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name in _FULL:
            raise StorageFull from error
        if name.startswith("SQLITE_BUSY"):
            raise StorageBusy from error
        raise StorageFault("ledger", str(error)) from error


class Connection:
    """Named queries on one SQLite connection."""

    def __init__(self, raw: aiosqlite.Connection) -> None:
        self._raw = raw

    async def rows(self, query: str, /, **values: object) -> Sequence[Row]:
        """All rows of the named query."""
        with _our_errors():
            return list(await self._raw.execute_fetchall(QUERIES[query], values))

    async def row(self, query: str, /, **values: object) -> Row | None:
        """The first row of the named query, if there is one."""
        rows = await self.rows(query, **values)
        return rows[0] if rows else None

    async def run(self, query: str, /, **values: object) -> None:
        """Carries out the named statement."""
        with _our_errors():
            await self._raw.execute(QUERIES[query], values)

    async def run_many(self, query: str, values: Sequence[Mapping[str, object]]) -> None:
        """Carries out the named statement once for each set of values."""
        with _our_errors():
            await self._raw.executemany(QUERIES[query], values)

    async def script(self, *statements: str) -> None:
        """Carries out statements of this module's own, one by one, inside whatever transaction is open."""
        with _our_errors():
            for statement in statements:
                await self._raw.execute(statement)


Job = Callable[[Connection], Awaitable[Any]]


class Database:
    """One reading and one writing connection; writes go through `write`, in groups, one durable commit a group."""

    def __init__(self, reader: Connection, writer: Connection, path: Path, patience: float) -> None:
        self.reader = reader
        self._writer = writer
        self._path = path
        self._patience = patience
        self._batches: Batcher[Job, Any] = Batcher(self._commit)

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, *, pragmas: Mapping[str, int] | None = None) -> AsyncIterator["Database"]:
        """Opens or creates the file, and migrates it.

        Raises `DataDirectoryUnusable` if it cannot be written and `DataNewer` if a later version made it.
        `pragmas` are set on the writing connection, for limits such as `max_page_count`; `busy_timeout`
        (milliseconds) is how long to wait for another process, also while opening.
        """
        patience = (pragmas or {}).get("busy_timeout", _BUSY_TIMEOUT_MS) / 1000
        async with _connected(path, patience) as raw_writer:
            writer = Connection(raw_writer)
            await _migrate(writer, path)
            await writer.script(*(f"PRAGMA {name} = {value}" for name, value in (pragmas or {}).items()))
            async with _connected(path, patience) as raw_reader:
                database = cls(Connection(raw_reader), writer, path, patience)
                async with database._batches.running():
                    yield database

    async def write(self, job: Callable[[Connection], Awaitable[ResultT]]) -> ResultT:
        """Carries out `job` in a transaction of the next group; returns once it is on disk.

        An exception from the job takes back that job alone and is raised here.
        """
        result: ResultT = await self._batches.submit(job)
        return result

    async def purge(self) -> bool:
        """Writes the file anew and empties the log: no page holds any more what was deleted.

        False where a reader in another process keeps an older state for as long as one can wait.
        """
        with _our_errors():
            async with _connected(self._path, self._patience) as raw:
                await raw.execute("VACUUM")
                for _ in range(_CHECKPOINTS):
                    [(busy, _, _)] = await raw.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
                    if not busy:
                        return True
        return False

    async def checkpoint(self, *, idle: bool) -> None:
        """Moves a long log's pages into the file and cuts it to nothing; where nobody writes, any log.

        Most is moved while others write. For what comes meanwhile they wait some milliseconds, or, where a reader is
        not done, it is left for the next time.
        """
        log = anyio.Path(f"{self._path}-wal")
        if not await log.exists() or (await log.stat()).st_size <= (0 if idle else _LOG_BYTES):
            return
        with _our_errors():
            async with _connected(self._path, _CHECKPOINT_PATIENCE) as raw:
                for mode in ("PASSIVE", "TRUNCATE"):
                    await raw.execute_fetchall(f"PRAGMA wal_checkpoint({mode})")

    async def _commit(self, jobs: Sequence[Job]) -> Sequence[Any]:
        results: list[Any] = []
        await self._writer.script("BEGIN IMMEDIATE")
        try:
            for job in jobs:
                await self._writer.script("SAVEPOINT job")
                try:
                    results.append(await job(self._writer))
                except Exception as error:
                    if not self._writer._raw.in_transaction:
                        raise  # a full disk ended the transaction of them all
                    await self._writer.script("ROLLBACK TO job")
                    results.append(error)
                await self._writer.script("RELEASE job")
            await self._writer.script("COMMIT")
        except BaseException:
            if self._writer._raw.in_transaction:
                await self._writer.script("ROLLBACK")
            raise
        return results


@asynccontextmanager
async def _connected(path: Path, patience: float) -> AsyncIterator[aiosqlite.Connection]:
    try:
        sqlite3.connect(path).close()  # where this fails, aiosqlite's thread would outlive the loop and fail aloud
        raw = await aiosqlite.connect(path, isolation_level=None, timeout=patience)
    except sqlite3.Error as error:
        raise DataDirectoryUnusable(path.parent, f"the ledger cannot be opened ({error})") from error
    try:
        raw.row_factory = sqlite3.Row
        for function, arguments in ((link_of, 8), (holds, 2)):
            await raw.create_function(function.__name__, arguments, function, deterministic=True)
        try:
            await _use_write_ahead_log(raw, patience)
            await raw.execute("PRAGMA synchronous = FULL")
            await raw.execute(f"PRAGMA wal_autocheckpoint = {_LONGEST_LOG_PAGES}")
        except sqlite3.Error as error:
            raise DataDirectoryUnusable(path.parent, f"the ledger cannot be written ({error})") from error
        yield raw
    finally:
        await raw.close()


async def _use_write_ahead_log(raw: aiosqlite.Connection, patience: float) -> None:
    """SQLite's busy timeout does not cover this: of many processes that open a new file at once, some are refused."""
    with anyio.move_on_after(patience):
        while True:
            try:
                await raw.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                    raise
            await anyio.sleep(random.uniform(0.005, 0.05))
    await raw.execute("PRAGMA journal_mode = WAL")


async def _migrate(writer: Connection, path: Path) -> None:
    with _our_errors():
        [(found,)] = await writer._raw.execute_fetchall("PRAGMA user_version")
        if found == SCHEMA:
            return  # without the lock: who only reads waits for no writer
        await writer.script("BEGIN IMMEDIATE")
        try:
            [(found,)] = await writer._raw.execute_fetchall("PRAGMA user_version")
            if found > SCHEMA:
                raise DataNewer(path.parent, found, SCHEMA)
            for number in range(found + 1, SCHEMA + 1):
                await writer.script(*_statements(MIGRATIONS[number]), f"PRAGMA user_version = {number}")
            await writer.script("COMMIT")
        except BaseException:
            if writer._raw.in_transaction:
                await writer.script("ROLLBACK")
            raise


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would commit the migration's transaction first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
