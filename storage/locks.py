"""File locks between processes: the kernel releases them when a process dies, so there is no clock and no expiry.

They hold on local disks only.
"""

import errno
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from filelock import FileLock, Timeout

from fleetlore.storage.errors import DataDirectoryLost, DataReadOnly, DiskRefuses, StorageBusy, StorageFull

# Held for adding and removing rows of the spaces, and for a round of upkeep.
WRITE_LOCK = "write.lock"
MAINTAIN_LOCK = "maintain.lock"

_POLL_SECONDS = (0.001, 0.005)
_WATCHED = 1.0  # a lock that nobody has looked at for longer may have been free meanwhile
_PATIENCE = 10.0  # rows are added in milliseconds, and who compacts holds the lock for less than a second
LONG_PATIENCE = 900.0  # for what is held as long as a rebuild takes


class ProcessLock:
    """A lock file that one process at a time holds, and within it one task at a time.

    `patience` is for how many seconds to wait for another process, which may have been suspended. They count from when
    the first of those who wait found the lock taken: who has queued behind it does not wait as long once more.
    """

    def __init__(self, path: Path, *, patience: float = _PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._file = FileLock(path, thread_local=False)
        self._tasks = anyio.Lock()
        self._taken: tuple[float, float] | None = None  # since when, and when it was last seen to be

    @asynccontextmanager
    async def held(self, *, patience: float | None = None) -> AsyncIterator[None]:
        """Waits for the lock and holds it for the block; raises `StorageBusy` where another process keeps it.

        `patience` in place of the lock's own.
        """
        patience = self._patience if patience is None else patience
        async with self._tasks:
            while not self._take():
                now = anyio.current_time()
                since, seen = self._taken or (now, now)
                since = since if now - seen < _WATCHED else now
                self._taken = since, now
                if now - since > patience:
                    raise StorageBusy(self._path.name)
                await anyio.sleep(random.uniform(*_POLL_SECONDS))
            self._taken = None
            try:
                yield
            finally:
                self._file.release()

    @asynccontextmanager
    async def held_if_free(self) -> AsyncIterator[bool]:
        """Holds the lock for the block if nobody else has it; says whether it does."""
        if self._tasks.locked():
            yield False
            return
        async with self._tasks:
            taken = self._take()
            try:
                yield taken
            finally:
                if taken:
                    self._file.release()

    def _take(self) -> bool:
        folder = self._path.parent
        if not folder.is_dir():
            raise DataDirectoryLost(folder)  # the library would make it
        try:
            self._file.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise DataReadOnly(folder) from error
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull from error
            raise DiskRefuses(error.strerror or str(error)) from error
        return True
