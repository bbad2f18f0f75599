"""Backups: the ledger as it was at one moment, in one file; the knowledge spaces are made from it."""

import os
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from fleetlore.kmu.auditing import verify
from fleetlore.storage.copying import copy_ledger, reading, sync
from fleetlore.storage.errors import DataError, FileRefused
from fleetlore.storage.footing import log_of
from fleetlore.storage.ledger import LEDGER_FILE
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.queries import SCHEMA
from fleetlore.storage.records import SPACES

ANOTHER = "Choose another backup"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What a backup holds: how many items live, how many events, and the link of the last, which names its state."""

    items: int
    events: int
    head: str


async def back_up(data: Path, target: Path) -> Contents:
    """Makes `target` a backup of the ledger in a data directory, whoever writes there meanwhile.

    It stands there whole, read once more and on disk, or not at all; what stood there before is replaced.

    Raises `OSError` where it cannot be written, and `FileRefused` where the ledger itself is not what was recorded.
    """
    unfinished = target.with_name(f".{target.name}.fleetlore-{os.getpid()}")
    try:
        await anyio.to_thread.run_sync(copy_ledger, data / LEDGER_FILE, unfinished)
        async with reading(unfinished) as connection:
            contents = await contents_of(
                LedgerView(connection), data / LEDGER_FILE, "See what is wrong with it: fleetlore check"
            )
        unfinished.replace(target)
        sync(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return contents


async def examine(file: Path) -> None:
    """Raises `FileRefused` where a file is no ledger that this version can put back, or not all of one, or damaged."""
    if log_of(file).exists() and log_of(file).stat().st_size:
        raise _unusable(
            file,
            f"it is a copy made by hand, and what was written last is in {log_of(file).name} beside it",
            f"Put both in a folder, as {LEDGER_FILE} and {LEDGER_FILE}-wal, and make a backup of that: "
            "fleetlore backup FILE --data FOLDER",
        )
    try:
        async with reading(file) as connection:
            schema, view = await connection.schema(), LedgerView(connection)
            if schema > SCHEMA:
                raise _unusable(file, "a newer fleetlore made it", "Upgrade this fleetlore")
            if schema == 0 or await view.store() is None:
                raise _unusable(file, "it is no ledger of fleetlore")
            if faults := await view.all_faults():
                raise _unusable(file, f"it is damaged ({faults[0]})")
    except DataError as error:
        raise _unusable(file, "it cannot be read as a ledger of fleetlore") from error


async def contents_of(view: LedgerView, file: Path, remedy: str = ANOTHER) -> Contents:
    """Reads a whole ledger; raises `FileRefused` where it is not what was recorded."""
    found = await verify(view)
    if not found.whole:
        because = found.broken.because if found.broken else found.altered_texts[0]
        raise _unusable(file, f"it is not as it was recorded: {because}", remedy)
    return Contents(
        items=sum([await view.count(space) for space in SPACES]),
        events=found.events,
        head=found.head,
    )


def _unusable(file: Path, problem: str, remedy: str = ANOTHER) -> FileRefused:
    return FileRefused(file, None, problem, remedy)
