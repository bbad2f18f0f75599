"""Upkeep: what keeps the spaces in line with the ledger, fast, and consolidated.

One process at a time does it, in the background.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import anyio

from fleetlore.kmu.consolidation import consolidate
from fleetlore.kmu.control import consolidates, states_of
from fleetlore.kmu.holding import judge_waiting
from fleetlore.kmu.policy import Policy
from fleetlore.storage.errors import DataError, SpacesDamaged
from fleetlore.storage.intake import follow_generation
from fleetlore.storage.known_keys import load_rules
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.locks import ProcessLock
from fleetlore.storage.reconciliation import Strays, reconcile
from fleetlore.storage.records import SPACES, Space
from fleetlore.storage.rescreening import rescreen
from fleetlore.storage.search import FILLING

if TYPE_CHECKING:
    from fleetlore.storage.spaces import KnowledgeSpaces

logger = logging.getLogger(__name__)

# 30 single-row commits already double the vector leg; compacting costs by the number of versions.
COMMITS = 50
_BEHIND = 200  # LanceDB gives up on compacting after 30 s in which others commit all the time
_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 15.0  # after faults, each of which doubles it
_RECONCILE_SECONDS = 600.0
_LONGEST_WAIT = timedelta(minutes=10)
_CONSOLIDATE_EVERY = timedelta(days=1)
_CONSOLIDATE_SECONDS = 30.0  # then compacting has its turn


@dataclass(slots=True)
class Upkeep:
    """What the background work did last, for `status` and `/healthz`.

    `consolidated_at` is when a pass of consolidation last came to its end, in whichever process.
    """

    ledger: Ledger
    spaces: KnowledgeSpaces
    lock: ProcessLock
    policy: Policy
    optimized: dict[Space, int] = field(default_factory=dict)
    reconciled_at: float | None = None
    consolidated_at: datetime | None = None
    strays: Strays = field(default_factory=Strays)
    told: str = ""
    degraded: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Works until cancelled. A fault is logged, shown as degraded and tried again.

        Ends where another ledger has taken this one's place, and raises `SpacesDamaged`: the unit is to be opened anew.
        Beside it the rules by which secrets are known are loaded: the first report need not wait for them.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(anyio.to_thread.run_sync, load_rules, abandon_on_cancel=True))
            openings, pause = self.ledger.openings, _PAUSE_SECONDS
            while self.ledger.openings == openings:
                well = await self._round()
                pause = _PAUSE_SECONDS if well else min(2 * pause, _LONGEST_PAUSE_SECONDS)
                await anyio.sleep(pause)
            tasks.cancel_scope.cancel()

    async def _round(self) -> bool:
        try:
            if self.spaces.damage is not None:
                raise self.spaces.damage.with_traceback(None)
            if self.ledger.trouble is not None:
                await self.ledger.recover()
            await self.ledger.refuse()
            async with self.lock.held_if_free() as mine:
                if mine:
                    # Cancelling amid a LanceDB commit is safe, but a lock must not go while the commit runs on.
                    with anyio.CancelScope(shield=True):
                        await self.work()
                    # A pass may take a minute, and may be broken off between its commits.
                    await self.sleep()
            self.degraded.pop("upkeep", None)
        except SpacesDamaged:
            raise
        except DataError as fault:
            if self.told != str(fault):
                logger.exception("upkeep failed; it will be tried again")
            self.told = str(fault)
            if self.ledger.trouble is None:  # which says it itself, and no longer than it lasts
                self.degraded["upkeep"] = str(fault)
            return False
        self.told = ""
        return True

    async def work(self, *, everything: bool = False) -> None:
        """One round: screens what is older, reconciles and judges it now and then, compacts after enough commits."""
        await follow_generation(self.ledger, self.spaces)
        await rescreen(self.ledger, self.spaces)
        now = self.strays.monotonic()
        if everything or self.reconciled_at is None or now - self.reconciled_at > _RECONCILE_SECONDS:
            repairs = await reconcile(self.ledger, self.spaces, self.strays)
            if repairs.added or repairs.orphans or repairs.doubles:
                logger.warning("reconciled the spaces with the ledger: %s", repairs)
            if held := await judge_waiting(self.ledger):
                logger.warning("%d items are held until a person has looked at them: fleetlore search --flagged", held)
            self.reconciled_at = now
            if self.spaces.lacking == FILLING:
                self.spaces.lacking = ""
        for space in SPACES:
            version = await self.spaces.version(space)
            if everything or version - self.optimized.get(space, 0) >= COMMITS:
                await self.spaces.index(space)
                await self._compact(space, version - self.optimized.get(space, 0))
                self.optimized[space] = await self.spaces.version(space)

    async def _compact(self, space: Space, commits: int) -> None:
        """Beside those who add, as that costs them nothing; where they keep coming between, instead of them."""
        if commits < _BEHIND:
            await self.spaces.optimize(space)
            return
        async with self.spaces.writing():
            await self.spaces.optimize(space)

    async def sleep(self) -> None:
        """Consolidates if it is due: enough has come in, something has waited for long, or it is time to settle."""
        self.consolidated_at = await self.ledger.read.consolidated_at()
        if await self._due():
            await consolidate(self.ledger, self.spaces, self.policy, most_seconds=_CONSOLIDATE_SECONDS)
            self.consolidated_at = await self.ledger.read.consolidated_at()

    async def _due(self) -> bool:
        if not self.policy.learning:
            return False
        view, now = self.ledger.read, self.ledger.clock()
        # A time to come was written by a clock that was ahead: one that must not stop us until it is reached.
        if self.consolidated_at is None or abs(now - self.consolidated_at) > _CONSOLIDATE_EVERY:
            return True
        since = await view.waiting_since()
        if since is None:
            return False
        waiting, items = await view.waiting()
        states = states_of((), await view.experience(), waiting=waiting, items=items)
        return abs(now - since) > _LONGEST_WAIT or consolidates(states)
