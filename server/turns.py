"""Taking a turn at upkeep: a command that wants the data to itself waits for whoever is at it, and says for whom."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from fleetlore.storage.locks import LONG_PATIENCE, MAINTAIN_LOCK, ProcessLock
from fleetlore.storage.maintainer import Rota, maintainer


@asynccontextmanager
async def turn_of(data: Path, doing: str) -> AsyncIterator[None]:
    """Does the upkeep of a data directory for the block; others are told who, and that it is `doing` this."""
    lock, rota = ProcessLock(data / MAINTAIN_LOCK, patience=LONG_PATIENCE), Rota(data)
    async with lock.held_if_free() as mine:
        if mine:
            async with _signed(rota, doing):
                yield
            return
    found = maintainer(data)
    who = f"process {found.process}" if found else "another process"
    click.echo(f"{who} does upkeep on this data; waiting until it is done", err=True)
    async with lock.held(), _signed(rota, doing):
        yield


@asynccontextmanager
async def _signed(rota: Rota, doing: str) -> AsyncIterator[None]:
    rota.sign(doing)
    try:
        yield
    finally:
        rota.leave()
