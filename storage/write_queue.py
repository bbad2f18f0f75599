"""The queue of the processes that want to write to the ledger.

SQLite has none: who finds it busy sleeps, for up to a tenth of a second, and whoever asks in the right moment goes
first. Beside eight others that never stop, some wait for seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

QUEUE_LOCK = "next.lock"
_POLL_SECONDS = 0.01  # each look costs a tenth of a millisecond, and eight look
_PATIENCE = 1.0


class WriteQueue:
    """Who is next waits for SQLite alone; all others wait until it has its turn, also who has just written.

    It is for fairness only: who cannot queue, or waits in vain for one that was suspended, goes on without.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._lock = FileLock(data / QUEUE_LOCK, thread_local=False)

    @contextmanager
    def next(self) -> Iterator[None]:
        """Is next in the block, in which one waits for SQLite and begins. Blocks the thread."""
        with suppress(Timeout, OSError):
            if self._data.is_dir():  # the library would make it
                self._lock.acquire(timeout=_PATIENCE, poll_interval=_POLL_SECONDS)
        try:
            yield
        finally:
            self._lock.release()
