"""Opening the ledger's file: to be shared and written, or only to be read; migrated; a driver's errors as ours."""

import random
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
import anyio

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
from fleetlore.storage.packing import packed, unpacked
from fleetlore.storage.queries import MIGRATIONS, SCHEMA
from fleetlore.storage.texts import holds

_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_READ", "SQLITE_IOERR_SHORT_READ")
# Whoever maintains empties the log long before (`Database.checkpoint`); others only where nobody does.
_LONGEST_LOG_PAGES = 16_384  # of 4 KiB
_MISSING = re.compile("no such (table|column)|has no column")


def told_as_ours(error: sqlite3.Error, path: Path, newer: int = 0) -> DataError:
    """A driver's error as ours; `newer` is the schema of a ledger that a later version made."""
    name = getattr(error, "sqlite_errorname", "")
    told: DataError = StorageFault("ledger", str(error))
    if name.startswith("SQLITE_BUSY"):
        told = StorageBusy()
    elif footing(path) is None:
        told = DataDirectoryLost(path.parent)
    elif name.startswith(_DAMAGED):
        told = LedgerDamaged(path, str(error))
    elif name == "SQLITE_FULL":
        told = StorageFull()
    elif name.startswith("SQLITE_READONLY") or (name.startswith("SQLITE_IOERR") and may_only_read(path)):
        told = DataReadOnly(path.parent)
    elif name.startswith("SQLITE_IOERR"):
        told = DiskRefuses(str(error))
    elif newer and _MISSING.search(str(error)):
        told = DataNewer(path.parent, newer, SCHEMA)
    return told


@asynccontextmanager
async def connected(
    path: Path, patience: float, only_read: NotWritable | None, *, unchanging: bool = False
) -> AsyncIterator[aiosqlite.Connection]:
    """A connection for the block; `only_read` is why it shall not write, `unchanging` says that nobody else does.

    SQLite reads beside others with the help of two more files: where it can make none, only what is unchanging.
    """
    source = f"{_address(path)}?immutable=1" if unchanging else _address(path)
    try:
        sqlite3.connect(source, uri=True).close()  # where this fails, aiosqlite's thread would outlive the loop
        raw = await aiosqlite.connect(source, uri=True, isolation_level=None, timeout=patience)
    except sqlite3.Error as error:
        raise DataDirectoryUnusable(path.parent, f"the ledger cannot be opened ({error})") from error
    try:
        raw.row_factory = sqlite3.Row
        for function, arguments in ((link_of, 8), (holds, 2), (packed, 1), (unpacked, 1)):
            await raw.create_function(function.__name__, arguments, function, deterministic=True)
        try:
            if only_read is None:
                await _use_write_ahead_log(raw, patience)
            await raw.execute("PRAGMA synchronous = FULL")
            await raw.execute(f"PRAGMA wal_autocheckpoint = {_LONGEST_LOG_PAGES}")
            await raw.execute_fetchall("SELECT count(*) FROM sqlite_master")
        except sqlite3.Error as error:
            told = told_as_ours(error, path)
            if isinstance(told, NotWritable | LedgerDamaged) and only_read is None:
                raise told from error
            raise DataDirectoryUnusable(path.parent, f"the ledger cannot be opened ({error})") from error
        yield raw
    finally:
        await raw.close()


def _address(path: Path) -> str:
    return path.absolute().as_uri()


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


async def migrate(raw: aiosqlite.Connection, path: Path, only_read: NotWritable | None) -> int:
    """Brings the file to our schema, and leaves alone what is newer; returns which it has."""
    try:
        [(found,)] = await raw.execute_fetchall("PRAGMA user_version")
        if found >= SCHEMA:
            return int(found)  # without the lock: who only reads waits for no writer
        if only_read is not None:
            problem = f"it holds data of an older fleetlore that cannot be converted ({only_read.brief})"
            raise DataDirectoryUnusable(path.parent, problem)
        await raw.execute("BEGIN IMMEDIATE")
        try:
            [(found,)] = await raw.execute_fetchall("PRAGMA user_version")
            for number in range(found + 1, SCHEMA + 1):
                for statement in (*_statements(MIGRATIONS[number]), f"PRAGMA user_version = {number}"):
                    await raw.execute(statement)
            await raw.execute("COMMIT")
        except BaseException:
            if raw.in_transaction:
                await raw.execute("ROLLBACK")
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
