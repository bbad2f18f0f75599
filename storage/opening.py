"""Opening the ledger's file: to be shared and written, or only to be read; migrated; a driver's errors as ours."""

import random
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from fleetlore.storage.chain import link_of
from fleetlore.storage.errors import (
    DataDirectoryLost,
    DataDirectoryUnusable,
    DataError,
    DataNewer,
    DataReadOnly,
    DiskRefuses,
    LedgerDamaged,
    NotWritable,
    StorageBusy,
    StorageFault,
    StorageFull,
)
from fleetlore.storage.footing import footing, may_only_read
from fleetlore.storage.handle import Handle, HandleClosed
from fleetlore.storage.packing import packed, unpacked
from fleetlore.storage.queries import MIGRATIONS, SCHEMA
from fleetlore.storage.texts import holds

_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_READ", "SQLITE_IOERR_SHORT_READ")
# Whoever maintains empties the log long before (`Database.checkpoint`); others only where nobody does.
_LONGEST_LOG_PAGES = 16_384  # of 4 KiB
_MISSING = re.compile("no such (table|column)|has no column")


def told_as_ours(error: sqlite3.Error, path: Path) -> DataError:
    """A driver's error as ours, from the file at that path."""
    name = getattr(error, "sqlite_errorname", "")
    told: DataError = StorageFault("ledger", str(error))
    if name.startswith("SQLITE_BUSY"):
        told = StorageBusy()
    elif isinstance(error, HandleClosed) or footing(path) is None:
        told = DataDirectoryLost(path.parent)
    elif name.startswith(_DAMAGED):
        told = LedgerDamaged(path, str(error))
    elif name == "SQLITE_FULL":
        told = StorageFull()
    elif name.startswith("SQLITE_READONLY") or (name.startswith("SQLITE_IOERR") and may_only_read(path)):
        told = DataReadOnly(path.parent)
    elif name.startswith("SQLITE_IOERR"):
        told = DiskRefuses(str(error))
    elif _MISSING.search(str(error)) and (found := _schema(path)) > SCHEMA:
        told = DataNewer(path.parent, found, SCHEMA)
    return told


def schema_of(path: Path) -> int:
    """The version of what is in the file, which is left as it is; 0 where there is nothing in it.

    Raises what `told_as_ours` makes of the driver's errors.
    """
    try:
        return _schema(path)
    except sqlite3.Error as error:
        raise told_as_ours(error, path) from error


def _schema(path: Path) -> int:
    with closing(sqlite3.connect(path)) as raw:
        return int(raw.execute("PRAGMA user_version").fetchone()[0])


@asynccontextmanager
async def connected(
    path: Path, patience: float, only_read: NotWritable | None, *, unchanging: bool = False
) -> AsyncIterator[Handle]:
    """A connection for the block; `only_read` is why it shall not write, `unchanging` says that nobody else does.

    SQLite reads beside others with the help of two more files: where it can make none, only what is unchanging.
    """
    source = f"{_address(path)}?immutable=1" if unchanging else _address(path)
    try:
        raw = await run_sync(_raw_connection, source, patience)
    except sqlite3.Error as error:
        raise DataDirectoryUnusable(path.parent, f"the ledger cannot be opened ({error})") from error
    handle = Handle(raw)
    try:
        try:
            if only_read is None:
                await _use_write_ahead_log(handle, patience)
            await handle.execute("PRAGMA synchronous = FULL")
            await handle.execute(f"PRAGMA wal_autocheckpoint = {_LONGEST_LOG_PAGES}")
            await handle.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.Error as error:
            told = told_as_ours(error, path)
            if isinstance(told, NotWritable | LedgerDamaged) and only_read is None:
                raise told from error
            raise DataDirectoryUnusable(path.parent, f"the ledger cannot be opened ({error})") from error
        yield handle
    finally:
        await handle.close()


def _raw_connection(source: str, patience: float) -> sqlite3.Connection:
    raw = sqlite3.connect(
        source, uri=True, isolation_level=None, timeout=patience, check_same_thread=False, cached_statements=512
    )
    raw.row_factory = sqlite3.Row
    for function, arguments in ((link_of, 8), (holds, 2), (packed, 1), (unpacked, 1)):
        raw.create_function(function.__name__, arguments, function, deterministic=True)
    return raw


def _address(path: Path) -> str:
    return path.absolute().as_uri()


async def _use_write_ahead_log(handle: Handle, patience: float) -> None:
    """SQLite's busy timeout does not cover this: of many processes that open a new file at once, some are refused."""
    with anyio.move_on_after(patience):
        while True:
            try:
                await handle.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                    raise
            await anyio.sleep(random.uniform(0.005, 0.05))
    await handle.execute("PRAGMA journal_mode = WAL")


async def migrate(handle: Handle, path: Path, only_read: NotWritable | None) -> int:
    """Brings the file to our schema, and leaves alone what is newer; returns which it has."""
    try:
        [(found,)] = await handle.execute("PRAGMA user_version")
        if found >= SCHEMA:
            return int(found)  # without the lock: who only reads waits for no writer
        if only_read is not None:
            problem = f"it holds data of an older fleetlore that cannot be converted ({only_read.brief})"
            raise DataDirectoryUnusable(path.parent, problem)
        await handle.execute("BEGIN IMMEDIATE")
        try:
            [(found,)] = await handle.execute("PRAGMA user_version")
            for number in range(found + 1, SCHEMA + 1):
                for statement in (*_statements(MIGRATIONS[number]), f"PRAGMA user_version = {number}"):
                    await handle.execute(statement)
            await handle.execute("COMMIT")
        except BaseException:
            if handle.in_transaction:
                await handle.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        raise told_as_ours(error, path) from error
    return int(max(found, SCHEMA))


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would commit the migration's transaction first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
