"""A handle on one SQLite connection: what is done with it is done in a thread, one thing at a time.

A whole job goes through it in one go: inside, each statement is carried out at once, with no way to a thread and back.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from threading import get_ident
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync

ResultT = TypeVar("ResultT")


class Handle:
    """Gives turns at a connection. Who is cancelled during a turn waits for its end."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self._turn = anyio.CapacityLimiter(1)
        self._thread: int | None = None  # in which a job is being carried out

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._raw.in_transaction

    async def use(self, work: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        """Does the work in a turn of its own, or at once where it is part of a job."""
        if self._thread == get_ident():
            return work(self._raw)
        return await run_sync(work, self._raw, limiter=self._turn)

    async def execute(self, statement: str, values: Mapping[str, object] | Sequence[object] = ()) -> list[sqlite3.Row]:
        """Carries out one statement; returns its rows."""
        return await self.use(lambda raw: raw.execute(statement, values).fetchall())

    async def close(self) -> None:
        """Closes the connection behind whatever is being done with it."""
        with anyio.CancelScope(shield=True):
            await self.use(sqlite3.Connection.close)

    async def carry_out(self, job: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Carries out a job in one turn. It may await nothing but what is done with this handle."""
        return await run_sync(self._drive, job, limiter=self._turn)

    def _drive(self, job: Callable[[], Awaitable[ResultT]]) -> ResultT:
        self._thread = get_ident()
        try:
            steps = job().__await__()
            try:
                next(steps)
            except StopIteration as end:
                result: ResultT = end.value
                return result
            steps.close()
            raise RuntimeError("a job of the ledger awaited something else than the ledger")
        finally:
            self._thread = None
