"""A handle on one SQLite connection: what is done with it is done in a thread of its own, one thing at a time.

A whole job goes through it in one go: inside, each statement is carried out at once, with no way to a thread and back.
"""

import sqlite3
from asyncio import CancelledError, Future, get_running_loop, shield, wait
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from queue import SimpleQueue
from threading import Thread, get_ident
from typing import TypeVar

import anyio

ResultT = TypeVar("ResultT")


class HandleClosed(sqlite3.ProgrammingError):
    """The connection was closed before the turn began."""


class Handle:
    """Gives turns at a connection, in the order in which they are asked for.

    Who is cancelled before its turn goes away, and who is in the midst of it waits for its end. The handle's thread
    goes from one turn to the next by itself: a pool's costs the event loop twice as much a turn.
    """

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self._turns: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._closed = False
        self._thread = Thread(target=self._take_turns, name="ledger", daemon=True)
        self._thread.start()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._raw.in_transaction

    async def use(self, work: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        """Does the work in a turn of its own, or at once where it is part of a job."""
        if self._thread.ident == get_ident():
            return work(self._raw)
        return await self._in_turn(partial(work, self._raw))

    async def execute(self, statement: str, values: Mapping[str, object] | Sequence[object] = ()) -> list[sqlite3.Row]:
        """Carries out one statement; returns its rows."""
        return await self.use(lambda raw: raw.execute(statement, values).fetchall())

    async def close(self) -> None:
        """Closes the connection behind whatever is being done with it; who comes later is refused."""
        await self._in_turn(self._raw.close, last=True)

    async def carry_out(self, job: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Carries out a job in one turn. It may await nothing but what is done with this handle."""
        return await self._in_turn(partial(_driven, job))

    async def _in_turn(self, work: Callable[[], ResultT], *, last: bool = False) -> ResultT:
        if self._closed:
            raise HandleClosed
        self._closed = last
        loop = get_running_loop()
        done: Future[ResultT] = loop.create_future()
        # Whoever takes it out decides: the thread, that the turn begins, or who waits for it, that it never does.
        unclaimed = [True]

        def turn() -> None:
            if not _claimed(unclaimed):
                return
            try:
                tell = partial(done.set_result, work())
            except BaseException as error:  # whoever asked for the turn is told
                tell = partial(done.set_exception, error)
            loop.call_soon_threadsafe(tell)

        self._turns.put(turn)
        if last:
            self._turns.put(None)
        try:
            return await shield(done)
        except CancelledError:
            if last or not _claimed(unclaimed):
                with anyio.CancelScope(shield=True):
                    await wait([done])
            raise

    def _take_turns(self) -> None:
        while (turn := self._turns.get()) is not None:
            turn()


def _claimed(unclaimed: list[bool]) -> bool:
    try:
        return unclaimed.pop()
    except IndexError:
        return False


def _driven(job: Callable[[], Awaitable[ResultT]]) -> ResultT:
    steps = job().__await__()
    try:
        next(steps)
    except StopIteration as end:
        result: ResultT = end.value
        return result
    steps.close()
    raise RuntimeError("a job of the ledger awaited something else than the ledger")
