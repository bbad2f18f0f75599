"""The tables of one generation: opened, made where there are none, dropped once another has taken their place.

They are named `general_<generation>` and `prompt_<generation>`; a rebuild fills the next generation while this one
answers.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import anyio.lowlevel
import anyio.to_thread

from fleetlore.storage.embedding import Embedder, load_embedder
from fleetlore.storage.errors import NotWritable, SpacesDamaged
from fleetlore.storage.lance import lancedb
from fleetlore.storage.locks import WRITE_LOCK, ProcessLock
from fleetlore.storage.records import SPACES, Space
from fleetlore.storage.search import FILLING
from fleetlore.storage.space_faults import our_errors
from fleetlore.storage.space_tables import FOLDER, connected, made_table


class Generation:
    """The tables of both spaces in one generation.

    `damage` is why they must be opened anew before they are of use, `lacking` what searching misses for now, in words.
    """

    def __init__(
        self,
        data: Path,
        embedder: Embedder,
        generation: int,
        may_write: Callable[[], Awaitable[None]],
    ) -> None:
        self._data = data
        self._database: lancedb.AsyncConnection | None = None
        self.embedder = embedder
        self._write_lock = ProcessLock(data / WRITE_LOCK)
        self._may_write = may_write
        self._tables: dict[Space, Any] = {}
        self.generation = generation
        self.damage: SpacesDamaged | None = None
        self.lacking = ""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        data: Path,
        *,
        embedder: Embedder,
        generation: int,
        may_write: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint,
        make: bool = True,
        needed: bool = True,
    ) -> AsyncIterator[Self]:
        """Opens the tables of that generation in a data directory; makes what is missing, or, without `make`, raises.

        `may_write` raises why nothing may be written; it is asked before anything is. Where they are not `needed`, what
        cannot be made now is made once it can be: until then memory alone answers, which comes from the ledger.
        """
        spaces = cls(data, embedder, generation, may_write)
        try:
            there = await spaces.are_there(generation)
            if not there and not make:
                raise SpacesDamaged(f"the tables of generation {generation} are not there")
            try:
                if there:
                    await spaces.use(generation)
            except SpacesDamaged:  # another process may just be making them: it holds the lock until they are whole
                if not make:
                    raise
            if not spaces.has_tables:
                try:
                    async with spaces.writing():
                        pass
                except NotWritable:
                    if needed:
                        raise
                    spaces.lacking = FILLING
            yield spaces
        finally:
            if spaces._database is not None:
                spaces._database.close()

    @asynccontextmanager
    async def writing(self, *, patience: float | None = None) -> AsyncIterator[None]:
        """Holds the write lock: one process at a time adds or removes rows. `patience` as for `ProcessLock.held`.

        Makes the tables where there are none.
        """
        await self._may_write()
        async with self._write_lock.held(patience=patience):
            if not self.has_tables:
                await self.use(self.generation)
            yield

    @property
    def has_tables(self) -> bool:
        """False as long as there are none and none can be made."""
        return bool(self._tables)

    async def are_there(self, generation: int) -> bool:
        """Whether that generation has its tables."""
        tables = await self._names() if (self._data / FOLDER).exists() else []
        return all(f"{space}_{generation}" in tables for space in SPACES)

    async def use(self, generation: int, *, embedder: str = "") -> None:
        """Searches that generation from now on, made with that embedder ("": the same); needs the write lock.

        Makes its tables if they are missing.
        """
        loaded = await anyio.to_thread.run_sync(load_embedder, embedder) if embedder else self.embedder
        self.damage, self.lacking = None, ""
        with our_errors():
            tables = {space: await self._table(f"{space}_{generation}", loaded) for space in SPACES}
        self._tables, self.embedder, self.generation = tables, loaded, generation

    async def renew(self) -> None:
        """Opens the tables anew, without what the caches hold of indexes that compacting has replaced.

        Each of these keeps its files open, though they are removed, until the cache is full. Searches under way go on
        with the tables that they began with.
        """
        generation = self.generation
        database = await connected(self._data)
        with our_errors():
            tables = {space: await database.open_table(f"{space}_{generation}") for space in SPACES}
        if self.generation == generation:
            self._database, self._tables = database, tables

    async def keep_only(self, generations: Collection[int]) -> None:
        """Drops the tables of every other generation."""
        for name in await self._names():
            if int(name.rpartition("_")[2]) not in generations:
                with our_errors():
                    await (await self._connected()).drop_table(name)

    async def _connected(self) -> lancedb.AsyncConnection:
        """The connection, once it is wanted: making it makes the folder."""
        if self._database is None:
            self._database = await connected(self._data)
        return self._database

    async def _names(self) -> Sequence[str]:
        with our_errors():
            found: Sequence[str] = (await (await self._connected()).list_tables()).tables
        return found

    async def _table(self, name: str, embedder: Embedder) -> Any:  # noqa: ANN401  LanceDB's table has no public type that we need
        database = await self._connected()
        if name in await self._names():
            return await database.open_table(name)
        await self._may_write()
        self.lacking = FILLING
        return await made_table(database, name, embedder.dimension)
