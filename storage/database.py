"""The ledger's connections: one SQLite file in WAL mode, written in groups.

What cannot be written is opened for reading, a file that was replaced is opened anew, and a commit into one that was
removed is no commit.
"""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from pathlib import Path
from typing import Any, TypeVar

import anyio

from fleetlore.storage.batching import Batcher
from fleetlore.storage.connection import Connection
from fleetlore.storage.errors import (
    DataDirectoryLost,
    DataError,
    DataNewer,
    DataReadOnly,
    DiskRefuses,
    LedgerDamaged,
    NotWritable,
    StorageFull,
)
from fleetlore.storage.footing import Footing, footing, log_of, may_only_read
from fleetlore.storage.handle import HandleClosed
from fleetlore.storage.opening import connected, migrate, told_as_ours
from fleetlore.storage.queries import SCHEMA
from fleetlore.storage.write_queue import WriteQueue

ResultT = TypeVar("ResultT")
SQLITE_VERSION = sqlite3.sqlite_version

_BUSY_TIMEOUT_MS = 10_000
_LARGEST_GROUP = 64  # jobs, of which each takes some milliseconds: nobody, here or elsewhere, waits long for a turn
_CHECKPOINTS = 3  # of which each waits as long for readers
_LOG_BYTES = 4 << 20
_CHECKPOINT_PATIENCE = 0.02
_STILL_CALLS = 10
_TROUBLES = (NotWritable, DataDirectoryLost, LedgerDamaged)


Job = Callable[[Connection], Awaitable[Any]]


class Database:
    """One reading and one writing connection; writes go through `write`, in groups, one durable commit a group.

    `openings` counts how often the file was opened: anew, where another had taken its place.
    """

    def __init__(self, path: Path, patience: float, pragmas: Mapping[str, int]) -> None:
        self.reader = Connection(path)
        self._writer = Connection(path)
        self._path = path
        self._patience = patience
        self._pragmas = pragmas
        self._queue = WriteQueue(path.parent)
        self._footing: Footing | None = None
        self._unchanging = False  # opened as a file that nobody changes
        self._log_state = (0, 0)
        self._still_calls = 0
        self.openings = 0
        self._only_read: NotWritable | None = None
        self._trouble: DataError | None = None
        self._connections = AsyncExitStack()
        self._alone = anyio.Lock(fast_acquire=True)  # to write, and to open the file anew
        self._batches: Batcher[Job, Any]

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, *, pragmas: Mapping[str, int] | None = None) -> AsyncIterator["Database"]:
        """Opens or creates the file, and migrates it; where it cannot be written, for reading.

        Raises `DataDirectoryUnusable` if that is not possible either. What a later version made is only read.
        `pragmas` are set on the writing connection, for limits such as `max_page_count`; `busy_timeout`
        (milliseconds) is how long to wait for another process, also while opening.
        """
        patience = (pragmas or {}).get("busy_timeout", _BUSY_TIMEOUT_MS) / 1000
        database = cls(path, patience, pragmas or {})
        await database._open()
        database._batches = Batcher(database._commit, largest=_LARGEST_GROUP)
        try:
            async with database._batches.running():
                yield database
        finally:
            await database._connections.aclose()

    @property
    def trouble(self) -> DataError | None:
        """Why the last write was refused, while none has gone well since, or what was seen to be damaged."""
        return self._trouble or self.reader.damage

    async def _open(self) -> None:
        if may_only_read(self._path):
            await self._open_as(DataReadOnly(self._path.parent))
            return
        try:
            await self._open_as(None)
        except (StorageFull, DiskRefuses) as refusal:
            if footing(self._path) is None:
                raise
            await self._open_as(refusal)

    async def _open_as(self, only_read: NotWritable | None) -> None:
        """Opens both connections and closes those from before; `only_read` is why they shall not write."""
        before = footing(self._path)
        unchanging = only_read is not None and not log_of(self._path).exists()
        async with AsyncExitStack() as opened:

            async def connection() -> Connection:
                made = Connection(self._path)
                made.handle = await opened.enter_async_context(
                    connected(self._path, self._patience, only_read, unchanging=unchanging)
                )
                return made

            writer = await connection()
            found = await migrate(writer.handle, self._path, only_read)
            await writer.script(*(f"PRAGMA {name} = {value}" for name, value in self._pragmas.items()))
            reader = await connection()
            found_at = footing(self._path)
            if found_at is None or before not in (None, found_at):
                raise DataDirectoryLost(self._path.parent)
            former, self._connections = self._connections, opened.pop_all()
        self.openings += 1
        self._footing = footing(self._path, unchanging=unchanging)
        self._unchanging = unchanging
        self._only_read = only_read
        self._trouble = DataNewer(self._path.parent, found, SCHEMA) if found > SCHEMA else only_read
        self._writer = writer
        # The same object all the while: views on the ledger hold it.
        self.reader.handle, self.reader.damage = reader.handle, None
        await former.aclose()

    def _replaced(self) -> bool:
        return self._footing is None or footing(self._path, unchanging=self._unchanging) != self._footing

    async def follow(self) -> bool:
        """Opens the file anew where another has taken its place; says whether one had.

        What is open is closed before: SQLite cuts off the memory that both share by its name, and whoever reads it then
        is ended by the kernel.

        Raises `DataDirectoryLost` where none is there.
        """
        if not self._replaced():
            return False
        async with self._alone:
            if self._replaced():
                if footing(self._path) is None:
                    self._trouble = DataDirectoryLost(self._path.parent)
                    raise self._trouble
                self._footing = None
                await self._connections.aclose()
                await self._open()
        return True

    async def stand(self) -> bool:
        """As `follow`; what could only be read is opened for writing where it may be by now."""
        opened = await self.follow()
        if self._only_read is not None and not may_only_read(self._path):
            async with self._alone:
                await self._open()
        return opened

    async def refuse(self) -> None:
        """Raises why nothing can be written now."""
        await self.stand()
        await self._refuse(self.reader)

    async def _refuse(self, connection: Connection) -> None:
        if self._replaced():
            raise DataDirectoryLost(self._path.parent)
        if self._only_read is not None:
            raise self._only_read.with_traceback(None)
        if (found := await connection.schema()) > SCHEMA:
            raise DataNewer(self._path.parent, found, SCHEMA)

    async def recover(self) -> None:
        """Looks whether what troubles the ledger is over, by writing some pages; raises what it still is."""
        await self.refuse()
        if self.reader.damage is not None:
            if [row[0] for row in await self.reader.rows("faults")] != ["ok"]:
                raise self.reader.damage.with_traceback(None)
            self.reader.damage = None
        await self.write(_try_room)

    async def snapshot(self, job: Callable[[Connection], Awaitable[ResultT]]) -> ResultT:
        """Carries out a job that only reads, in one go and from one state: what is committed meanwhile is not seen.

        It awaits nothing but the connection, as a job that writes. Who reads for long reads statement by statement.
        """
        connection = copy(self.reader)  # which the file that is opened anew meanwhile does not change
        try:
            return await connection.handle.carry_out(lambda: _at_once(connection, job))
        except HandleClosed as error:
            if not await self.follow() and connection.handle is self.reader.handle:
                raise told_as_ours(error, self._path) from error
            return await self.snapshot(job)
        finally:
            self.reader.damage = connection.damage or self.reader.damage

    async def write(self, job: Callable[[Connection], Awaitable[ResultT]]) -> ResultT:
        """Carries out `job` in a transaction of the next group; returns once it is on disk.

        The job is carried out in a thread and awaits nothing but the connection. An exception from it takes back that
        job alone and is raised here.
        """
        result: ResultT = await self._batches.submit(job)
        return result

    async def purge(self) -> bool:
        """Writes the file anew and empties the log: no page holds any more what was deleted.

        False where a reader in another process keeps an older state for as long as one can wait.
        """
        await self.refuse()
        async with connected(self._path, self._patience, None) as handle:
            connection = Connection(self._path)
            connection.handle = handle
            await connection.script("VACUUM")
            for _ in range(_CHECKPOINTS):
                if await connection.checkpointed():
                    return True
        return False

    async def checkpoint(self) -> None:
        """Empties a long log into the file; whatever its length, one in which nothing was written for ten calls.

        Most is moved while others write. For what comes meanwhile they wait some milliseconds, or, where a reader is
        not done, it is left for the next time.
        """
        log = log_of(self._path)
        if self._replaced() or self._only_read is not None or not log.exists():
            return
        found = log.stat()
        state = (found.st_size, found.st_mtime_ns)
        self._still_calls = self._still_calls + 1 if state == self._log_state else 0
        self._log_state = state
        if found.st_size > _LOG_BYTES or (found.st_size and self._still_calls >= _STILL_CALLS):
            async with connected(self._path, _CHECKPOINT_PATIENCE, None) as handle:
                connection = Connection(self._path)
                connection.handle = handle
                await connection.checkpointed(beforehand=True)

    async def _commit(self, jobs: Sequence[Job]) -> Sequence[Any]:
        async with self._alone:
            try:
                results = await self._writer.handle.carry_out(lambda: self._carried_out(jobs))
            except HandleClosed as error:  # what came in its place could not be opened
                raise told_as_ours(error, self._path) from error
            except _TROUBLES as trouble:
                self._trouble = trouble
                raise
            self._trouble = next((result for result in results if isinstance(result, _TROUBLES)), None)
            return results

    async def _carried_out(self, jobs: Sequence[Job]) -> Sequence[Any]:
        results: list[Any] = []
        with self._queue.next():
            await self._writer.script("BEGIN IMMEDIATE")
        try:
            await self._refuse(self._writer)
            for job in jobs:
                await self._writer.script("SAVEPOINT job")
                try:
                    results.append(await job(self._writer))
                except Exception as error:
                    if not self._writer.handle.in_transaction:
                        raise  # a full disk ended the transaction of them all
                    await self._writer.script("ROLLBACK TO job")
                    results.append(error)
                await self._writer.script("RELEASE job")
            await self._writer.script("COMMIT")
        except BaseException:
            if self._writer.handle.in_transaction:
                await self._writer.script("ROLLBACK")
            raise
        if self._replaced():
            raise DataDirectoryLost(self._path.parent)  # it went into a file that nobody will find
        return results


async def _at_once(connection: Connection, job: Callable[[Connection], Awaitable[ResultT]]) -> ResultT:
    await connection.script("BEGIN")
    try:
        return await job(connection)
    finally:
        if connection.handle.in_transaction:
            await connection.script("ROLLBACK")


async def _try_room(connection: Connection) -> None:
    """Writes more than any report takes, and takes it back: only the pages remain, free."""
    await connection.run("take_room")
    await connection.run("leave_room")
