"""Exploration: which gaps there are now, and which of them a task could settle.

A retrieval pays for a look at a short list. The list is made in the background, of the latest tasks, at most once a
minute and only where somebody asks.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

from fleetlore.kmu.gaps import Gap, Vector, gap_of, gaps, task_of, told, words_of
from fleetlore.storage.attempts import Attempt
from fleetlore.storage.embedding import Embedder
from fleetlore.storage.errors import DataError
from fleetlore.storage.identifiers import ReceiptId
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import AgentName

logger = logging.getLogger(__name__)

TASKS = 2_000
_PAUSE_SECONDS = 60.0
_LONGEST = 2_000  # characters of a task that are looked at


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sketch:
    words: frozenset[str]
    vector: Vector


class Exploration:
    """The gaps of a ledger. `known` are those found last; `embedder` gives the one used now, which may change."""

    def __init__(self, ledger: Ledger, embedder: Callable[[], Embedder]) -> None:
        self.known: tuple[Gap, ...] = ()
        self._generation = ledger.info.generation
        self._ledger = ledger
        self._embedder = embedder
        self._made_with = embedder()
        self._sketches: dict[ReceiptId, _Sketch] = {}
        self._one_at_a_time = anyio.Lock()
        self._wanted = anyio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Exploration"]:
        """Looks for gaps, whenever somebody asks, until the block ends."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._run)
            yield self
            tasks.cancel_scope.cancel()

    def gap_near(self, task: str, vector: Vector) -> Gap | None:
        """The gap that this task could settle; `vector` is the task's."""
        self._wanted.set()
        if self._generation != self._ledger.info.generation:
            self.known = ()  # what a gap is called may have been erased meanwhile
        if len(vector) != self._made_with.dimension:
            return None
        if self.known and len(task) > _LONGEST:
            [vector] = self._made_with.embed([task[:_LONGEST]])
        return gap_of(self.known, vector)

    async def find(self) -> tuple[Gap, ...]:
        """Looks at the latest tasks anew."""
        async with self._one_at_a_time:
            self._generation = self._ledger.info.generation
            attempts = await self._ledger.read.attempts(latest=TASKS, tasks=True)
            attempts = [attempt for attempt in attempts if not attempt.held_out and attempt.task]
            embedder = self._embedder()
            sketches = self._sketches if embedder.name == self._made_with.name else {}
            # A server that ends does not wait for it.
            self.known, self._sketches = await anyio.to_thread.run_sync(
                _found, attempts, sketches, embedder, abandon_on_cancel=True
            )
            self._made_with = embedder
            return self.known

    async def told(self, agent: AgentName) -> list[Gap]:
        """As `find`, what the agent may know of it."""
        return [known for gap in await self.find() if (known := told(gap, agent)) is not None]

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted = anyio.Event()
            try:
                await self.find()
            except DataError:
                logger.exception("the gaps cannot be found; it will be tried again")
            await anyio.sleep(_PAUSE_SECONDS)


async def unasked(view: LedgerView, gap: Gap, task: str, agent: AgentName) -> Gap | None:
    """The gap as the agent may know it, for whom it was found by this task, if it was not asked about it yet."""
    return None if await view.asked(agent, gap.id) else told(gap, agent, words_of(task[:_LONGEST]))


def _found(
    attempts: Sequence[Attempt], known: Mapping[ReceiptId, _Sketch], embedder: Embedder
) -> tuple[tuple[Gap, ...], dict[ReceiptId, _Sketch]]:
    """The gaps among these attempts, and their sketches, of which some are known."""
    sketches = {attempt.receipt: known[attempt.receipt] for attempt in attempts if attempt.receipt in known}
    new = {attempt.receipt: attempt.task[:_LONGEST] for attempt in attempts if attempt.receipt not in known}
    for (receipt, text), vector in zip(new.items(), embedder.embed(list(new.values())), strict=True):
        sketches[receipt] = _Sketch(words=words_of(text), vector=vector)
    pairs = [(attempt, sketches[attempt.receipt]) for attempt in attempts]
    return gaps([task_of(attempt, words=sketch.words, vector=sketch.vector) for attempt, sketch in pairs]), sketches
