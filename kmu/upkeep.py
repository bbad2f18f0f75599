"""Upkeep: what keeps the spaces in line with the ledger, fast, and consolidated.

One process at a time does it, in the background.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import anyio

from fleetlore.kmu.consolidation import consolidate
from fleetlore.kmu.control import consolidates, states_of
from fleetlore.kmu.holding import judge_waiting
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.retention import retain
from fleetlore.kmu.wear import Wear
from fleetlore.storage.errors import DataError, SpacesDamaged, known_fault
from fleetlore.storage.known_keys import load_rules
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.locks import ProcessLock
from fleetlore.storage.maintainer import Rota
from fleetlore.storage.reconciliation import follow_generation, reconcile, take_in
from fleetlore.storage.records import SPACES, Space
from fleetlore.storage.rescreening import rescreen
from fleetlore.storage.search import FILLING

if TYPE_CHECKING:
    from fleetlore.storage.spaces import KnowledgeSpaces

logger = logging.getLogger(__name__)

_BEHIND = 100  # LanceDB gives up on compacting after 30 s in which others commit all the time
_LONGEST_HOLD = 0.8  # nobody waits longer than that to write
_RENEW_COMMITS = 500
_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 15.0  # after faults, each of which doubles it
_RECONCILE_SECONDS = 600.0
_RETAIN_SECONDS = 5.0
_ROW_CHANGES = 10_000  # who is further behind reads the vectors anew, which is faster by then
_LONGEST_WAIT = timedelta(minutes=10)
_CONSOLIDATE_EVERY = timedelta(days=1)
_REST = 4.0  # after a slice, for as many times as long: who asks has most of the processor
_CONSOLIDATE_SECONDS = 30.0  # then reconciling and the like have their turn


@dataclass(slots=True)
class Upkeep:
    """What the background work did last, for `status` and `/healthz`.

    `consolidated_at` is when a pass of consolidation last came to its end, in whichever process.
    """

    ledger: Ledger
    spaces: KnowledgeSpaces
    lock: ProcessLock
    policy: Policy
    rota: Rota
    monotonic: Callable[[], float] = time.monotonic
    wear: dict[Space, Wear] = field(default_factory=lambda: {space: Wear() for space in SPACES})
    reconciled_at: float | None = None
    consolidated_at: datetime | None = None
    renewed: int = 0
    retained_at: float | None = None
    told: str = ""
    degraded: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Works until cancelled. A fault is logged, shown as degraded and tried again.

        Ends where another ledger has taken this one's place, and raises `SpacesDamaged`: the unit is to be opened anew.
        Beside it the rules by which secrets are known are loaded: the first report need not wait for them.
        """
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(partial(anyio.to_thread.run_sync, load_rules, abandon_on_cancel=True))
                openings, pause = self.ledger.openings, _PAUSE_SECONDS
                while self.ledger.openings == openings:
                    well = await self._round()
                    pause = _PAUSE_SECONDS if well else min(2 * pause, _LONGEST_PAUSE_SECONDS)
                    await anyio.sleep(pause)
                tasks.cancel_scope.cancel()
        finally:
            self.rota.leave()

    async def _round(self) -> bool:
        try:
            if self.spaces.damage is not None:
                raise self.spaces.damage.with_traceback(None)
            if self.ledger.trouble is not None:
                await self.ledger.recover()
            await self._look_after()
            self.degraded.pop("upkeep", None)
        except (DataError, ExceptionGroup) as error:
            fault = known_fault(error)
            if not isinstance(fault, DataError):
                raise
            if isinstance(fault, SpacesDamaged):
                raise fault from error
            if self.told != str(fault):
                logger.exception("upkeep failed; it will be tried again")
            self.told = str(fault)
            if self.ledger.trouble is None:  # which says it itself, and no longer than it lasts
                self.degraded["upkeep"] = str(fault)
            return False
        self.told = ""
        return True

    async def _look_after(self) -> None:
        generation = self.spaces.generation
        try:
            if self.rota.mine() or self.spaces.lacking == FILLING:  # whoever made the tables fills them
                await self.ledger.refuse()
                await self._maintain()
            await self._renew()
        except (SpacesDamaged, ExceptionGroup) as error:
            if not isinstance(known_fault(error), SpacesDamaged):
                raise
            await follow_generation(self.ledger, self.spaces)
            if self.spaces.generation == generation:  # otherwise a rebuild by another process took the tables away
                raise

    async def _maintain(self) -> None:
        async with self.lock.held_if_free() as mine:
            if mine:
                self.rota.sign("looking after the spaces")
                await self.work()
                await self.sleep()
                await self._retain()
                self.rota.sign("waiting")

    async def _renew(self) -> None:
        """In every process: whoever compacts, each one's caches hold what it replaced."""
        versions = sum([await self.spaces.version(space) for space in SPACES])
        if abs(versions - self.renewed) >= _RENEW_COMMITS:
            await self.spaces.renew()
            self.renewed = versions

    async def _keeping_flat(self) -> None:
        while True:
            await anyio.sleep(_PAUSE_SECONDS)
            await take_in(self.ledger, self.spaces)
            await self._keep_flat()

    async def work(self, *, everything: bool = False) -> None:
        """One round: screens what is older, reconciles and judges it now and then, compacts after enough commits."""
        await follow_generation(self.ledger, self.spaces)
        await rescreen(self.ledger)
        await take_in(self.ledger, self.spaces)
        now = self.monotonic()
        if everything or self.reconciled_at is None or now - self.reconciled_at > _RECONCILE_SECONDS:
            repairs = await reconcile(self.ledger, self.spaces)
            if repairs.added or repairs.orphans or repairs.doubles:
                logger.warning("reconciled the spaces with the ledger: %s", repairs)
            if held := await judge_waiting(self.ledger):
                logger.warning("%d items are held until a person has looked at them: fleetlore search --flagged", held)
            await self.ledger.write(lambda transaction: transaction.forget_row_changes(kept=_ROW_CHANGES))
            self.reconciled_at = now
            if self.spaces.lacking == FILLING:
                self.spaces.lacking = ""
        await self._keep_flat(everything=everything)

    async def _keep_flat(self, *, everything: bool = False) -> None:
        await self.ledger.refuse()  # a newer program may have taken over in the midst of a round
        for space in SPACES:
            version, rows = await self.spaces.version(space), await self.spaces.rows(space)
            wear = self.wear[space]
            if wear.due(version, rows, self.monotonic()) or everything:
                await self.spaces.index(space)
                await self._compact(space, wear.commits(version))
                wear.was_compacted(await self.spaces.version(space), rows, self.monotonic())
        await self.ledger.checkpoint()

    async def _compact(self, space: Space, commits: int) -> None:
        """Beside those who add, as that costs them nothing; where they keep coming between, for a moment alone.

        What is not done in that moment goes on beside them: LanceDB is never broken off.
        """
        if commits < _BEHIND:
            await self.spaces.optimize(space)
            return
        compacted = anyio.Event()

        async def compact() -> None:
            await self.spaces.optimize(space)
            compacted.set()

        async with anyio.create_task_group() as tasks, self.spaces.writing():
            tasks.start_soon(compact)
            with anyio.move_on_after(_LONGEST_HOLD):
                await compacted.wait()

    async def sleep(self) -> None:
        """Consolidates if it is due: enough has come in, something has waited for long, or it is time to settle.

        A pass may take long, and may be broken off between its commits; meanwhile the tables are kept flat.
        """
        self.consolidated_at = await self.ledger.read.consolidated_at()
        if not await self._due():
            return
        self.rota.sign("consolidating")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keeping_flat)
            await consolidate(self.ledger, self.spaces, self.policy, rest=_REST, most_seconds=_CONSOLIDATE_SECONDS)
            tasks.cancel_scope.cancel()
        self.consolidated_at = await self.ledger.read.consolidated_at()

    async def _retain(self) -> None:
        """Archives and prunes what is old, for a while; once nothing is left, it looks again after ten minutes."""
        began = self.monotonic()
        if self.retained_at is not None and began - self.retained_at < _RECONCILE_SECONDS:
            return
        self.rota.sign("archiving")
        while self.monotonic() - began < _RETAIN_SECONDS:
            lap = self.monotonic()
            with anyio.CancelScope(shield=True):
                if not await retain(self.ledger, self.policy):
                    self.retained_at = self.monotonic()
                    return
            await anyio.sleep(self.monotonic() - lap)

    async def _due(self) -> bool:
        if not self.policy.learning:
            return False
        view, now = self.ledger.read, self.ledger.clock()
        # A time to come was written by a clock that was ahead: one that must not stop us until it is reached.
        if self.consolidated_at is not None and abs(now - self.consolidated_at) > _CONSOLIDATE_EVERY:
            return True
        since = await view.waiting_since()
        if since is None:
            return self.consolidated_at is None  # a new store: done at once, and known from when on
        waiting, items = await view.waiting()
        states = states_of((), await view.experience(), waiting=waiting, items=items)
        return abs(now - since) > _LONGEST_WAIT or consolidates(states)
