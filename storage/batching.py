"""Natural batching: whatever has queued up while the last batch was being written goes into the next one.

One worker per batcher, so that there is one writer per process; no timers, no batch size to tune.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import anyio

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")


@dataclass(slots=True, eq=False)
class _Ticket(Generic[JobT, ResultT]):
    job: JobT
    done: anyio.Event
    result: ResultT | BaseException | None = None


class Batcher(Generic[JobT, ResultT]):
    """Carries out jobs in batches, in the order in which they came.

    `perform` takes the jobs of a batch and returns, for each, its result or the exception that its caller shall see;
    if it raises, every caller of that batch sees the exception. A caller that is cancelled stops waiting; its job is
    carried out all the same.
    """

    def __init__(
        self, perform: Callable[[Sequence[JobT]], Awaitable[Sequence[ResultT | Exception]]], *, largest: int = 256
    ) -> None:
        self._perform = perform
        self._send, self._receive = anyio.create_memory_object_stream[_Ticket[JobT, ResultT]](10_000)
        self._largest = largest

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works until the block ends; what was submitted before that is still carried out."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._work)
            try:
                yield
            finally:
                self._send.close()

    async def submit(self, job: JobT) -> ResultT:
        """Waits for its turn and returns the job's result, or raises its exception."""
        ticket = _Ticket[JobT, ResultT](job, anyio.Event())
        await self._send.send(ticket)
        await ticket.done.wait()
        if isinstance(ticket.result, BaseException):
            raise ticket.result
        return ticket.result  # type: ignore[return-value]  # None is a result like any other

    async def _work(self) -> None:
        # Shielded: a batch that has begun is finished, whatever happens to the one who asked for it.
        with anyio.CancelScope(shield=True):
            async with self._receive:
                async for first in self._receive:
                    batch = [first]
                    while len(batch) < self._largest:
                        try:
                            batch.append(self._receive.receive_nowait())
                        except (anyio.WouldBlock, anyio.EndOfStream):
                            break
                    await self._carry_out(batch)

    async def _carry_out(self, batch: list[_Ticket[JobT, ResultT]]) -> None:
        results: Sequence[ResultT | BaseException]
        try:
            results = await self._perform([ticket.job for ticket in batch])
        except Exception as error:
            results = [error] * len(batch)
        for ticket, result in zip(batch, results, strict=True):
            ticket.result = result
            ticket.done.set()
