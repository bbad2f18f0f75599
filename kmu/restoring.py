"""Putting a backup in the place of a ledger, beside servers that run: they see the one state or the other."""

import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import anyio.to_thread

from fleetlore.kmu.backups import Contents, contents_of, examine
from fleetlore.storage.copying import STAGE, put_back, sync
from fleetlore.storage.embedders import DEFAULT_EMBEDDER, EMBEDDERS
from fleetlore.storage.embedding import load_embedder
from fleetlore.storage.errors import DataDirectoryUnusable, LedgerDamaged
from fleetlore.storage.footing import log_of
from fleetlore.storage.ledger import LEDGER_FILE, Ledger, LedgerTransaction
from fleetlore.storage.rebuilding import fill
from fleetlore.storage.records import ITSELF, SPACES
from fleetlore.storage.space_tables import generations_in
from fleetlore.storage.spaces import KnowledgeSpaces


async def restore(
    data: Path, file: Path, *, kept: Path, clock: Callable[[], datetime], progress: Callable[[int, int], None]
) -> Contents:
    """Puts a backup in the place of the ledger; whoever calls holds the maintenance lock.

    A copy of it is brought up to date first, and further tables are filled from it beside those that are searched. Then
    the ledger is replaced in one go, and `kept` holds what it was until then. Who is killed before that has changed
    nothing; who is killed after it leaves tables that nobody searches.

    `progress` is told how many items stand in the tables, and of how many. Raises `FileRefused`, with nothing changed.
    """
    await examine(file)
    stage = data / STAGE
    shutil.rmtree(stage, ignore_errors=True)  # what one that was killed has left
    stage.mkdir(mode=0o700, parents=True)
    try:
        await anyio.to_thread.run_sync(shutil.copyfile, file, stage / LEDGER_FILE)
        async with Ledger.open(stage, embedder="", fallback=DEFAULT_EMBEDDER, clock=clock) as staged:
            contents = await contents_of(staged.read, file)
            await _fill(staged, data, progress)
        sync(stage / LEDGER_FILE)
        await anyio.to_thread.run_sync(_exchange, stage / LEDGER_FILE, data / LEDGER_FILE, kept)
    finally:
        shutil.rmtree(stage, ignore_errors=True)  # nothing in it is of use to anybody
    return contents


async def _fill(staged: Ledger, data: Path, progress: Callable[[int, int], None]) -> None:
    """Fills tables of a generation that nobody has yet, and makes the staged ledger name them."""
    name = staged.info.embedder if staged.info.embedder in EMBEDDERS else DEFAULT_EMBEDDER
    embedder = await anyio.to_thread.run_sync(load_embedder, name)
    generation = max(staged.info.generation, *generations_in(data)) + 1
    async with KnowledgeSpaces.open(data, embedder=embedder, generation=generation) as spaces:
        total = sum([await staged.read.count(space) for space in SPACES])
        await fill(staged, spaces, lambda done: progress(done, total))
        for space in SPACES:
            await spaces.index(space)
            await spaces.optimize(space)

    async def turn(transaction: LedgerTransaction) -> None:
        await transaction.set_generation(generation, name)
        await transaction.set_followed(generation, await transaction.last_row_change())
        await transaction.record("backup restored", agent=ITSELF, subject=staged.info.id)

    await staged.write(turn)


def _exchange(staged: Path, ledger: Path, kept: Path) -> None:
    """Puts the staged file in the ledger's place and keeps that: in one transaction, or as files if it is broken."""
    if ledger.exists():
        try:
            put_back(staged, ledger, kept)
        except (LedgerDamaged, DataDirectoryUnusable):
            kept.unlink(missing_ok=True)
        else:
            return
        os.link(ledger, kept)
    # The log of another ledger would be taken for its own.
    if log_of(ledger).exists():
        log_of(ledger).replace(log_of(kept))
    ledger.with_name(f"{ledger.name}-shm").unlink(missing_ok=True)
    staged.replace(ledger)
    sync(ledger.parent)
