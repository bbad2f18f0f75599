"""Copies of a ledger's file: made whole while others write, read without touching them, and put back whole."""

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from fleetlore.storage.connection import Connection
from fleetlore.storage.errors import DataReadOnly, StorageBusy
from fleetlore.storage.opening import connected, told_as_ours

# Some pages of what is put back, with which the lock on what it replaces is taken, and then all that follow.
_PAGES_AT_ONCE = 16
_PATIENCE_SECONDS = 10.0
STAGE = "restoring"  # the folder in a data directory where a ledger is made ready to be put back


def copy_ledger(path: Path, target: Path) -> None:
    """Makes a file, for its owner alone, of what the ledger at `path` held at one moment; it is on disk then.

    Raises what `told_as_ours` makes of the driver's errors.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None)) as raw:
            raw.execute("VACUUM INTO ?", (str(target),))
        sync(target)
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error):
            raise told_as_ours(error, path) from error
        raise


def sync(path: Path) -> None:
    """Brings a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@asynccontextmanager
async def reading(path: Path) -> AsyncIterator[Connection]:
    """A copy that nobody writes, to be read; nothing is made beside it."""
    connection = Connection(path)
    async with connected(path, _PATIENCE_SECONDS, DataReadOnly(path.parent), unchanging=True) as connection.handle:
        yield connection


def put_back(source: Path, target: Path, kept: Path, *, patience: float = _PATIENCE_SECONDS) -> None:
    """Makes the ledger at `target` hold what `source` holds, in one transaction, and `kept` what it held until then.

    Whoever has it open sees the one or the other, and nobody commits between the two. Raises what `told_as_ours` makes
    of the driver's errors, `StorageBusy` where another process writes all the while, and `FileExistsError` where `kept`
    is there already; nothing is changed then.
    """
    alone = False

    def keep(status: int, _remaining: int, _total: int) -> None:
        nonlocal alone
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StorageBusy
        if not alone:  # nobody else writes from now on
            copy_ledger(target, kept)
            alone = True

    try:
        with closing(sqlite3.connect(source)) as taken, closing(sqlite3.connect(target, timeout=patience)) as into:
            into.execute("PRAGMA synchronous = FULL")
            taken.backup(into, pages=_PAGES_AT_ONCE, progress=keep)
    except sqlite3.Error as error:
        raise told_as_ours(error, target) from error
