"""Bringing the knowledge spaces in line with the ledger: after a crash, after a prune, and from nothing.

The ledger is read first and the tables second, always: the other way round, a row that another process is just
adding would be missing from the older reading, and be added twice.

A row that the ledger does not know is an orphan, or belongs to a feedback that another process is about to commit. No
clock tells which: those of two processes may be hours apart. So it goes only once one process has seen it for long.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fleetlore.storage.errors import DataError, SpacesDamaged
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.intake import follow_generation
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import SPACES, Space

if TYPE_CHECKING:
    from fleetlore.storage.spaces import KnowledgeSpaces

logger = logging.getLogger(__name__)

_SLICE = 1_000
_ORPHANED_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Repairs:
    """How many rows were added, removed as orphans, and removed as doubles."""

    added: int = 0
    orphans: int = 0
    doubles: int = 0


@dataclass(slots=True)
class Strays:
    """Rows that the ledger did not know when this process last looked, and since when, by a clock of its own."""

    monotonic: Callable[[], float] = time.monotonic
    seen: dict[Space, dict[ItemId, float]] = field(default_factory=dict)

    def orphans(self, space: Space, unknown: Collection[ItemId]) -> set[ItemId]:
        """Those that have been unknown for ten minutes; the others are kept in mind."""
        now, before = self.monotonic(), self.seen.get(space, {})
        self.seen[space] = {item: before.get(item, now) for item in unknown}
        return {item for item, since in self.seen[space].items() if now - since > _ORPHANED_SECONDS}


async def reconcile(ledger: Ledger, spaces: KnowledgeSpaces, strays: Strays | None = None) -> Repairs:
    """Adds missing rows, removes orphans that `strays` has known for ten minutes, reduces doubles to one."""
    strays = strays or Strays()
    total = Counter[str]()
    for space in SPACES:
        known = await ledger.read.living_ids(space)
        present = Counter(await spaces.ids(space))
        missing = known - present.keys()
        orphans = strays.orphans(space, present.keys() - known)
        doubles = {item for item in present if present[item] > 1}
        await align(ledger, spaces, space, missing | orphans | doubles)
        total.update(added=len(missing), orphans=len(orphans), doubles=len(doubles))
    return Repairs(**total)


async def align(ledger: Ledger, spaces: KnowledgeSpaces, space: Space, ids: Iterable[ItemId]) -> None:
    """Makes the space hold each of `ids` exactly once if the ledger says that it lives, else not at all.

    To be called after the ledger's commit that changed them. Reads the ledger under the write lock, so that of two
    processes that change the same item the later reading wins.
    """
    wanted = list(ids)
    for start in range(0, len(wanted), _SLICE):
        part = wanted[start : start + _SLICE]
        async with spaces.writing():
            await follow_generation(ledger, spaces)
            living = await ledger.read.living_among(space, part)
            await spaces.remove(space, part)
            await spaces.add(space, living)


async def align_committed(ledger: Ledger, spaces: KnowledgeSpaces, space: Space, ids: Iterable[ItemId]) -> None:
    """As `align`, for what is done and told as done: a fault of the spaces is logged, and reconciling mends it."""
    try:
        await align(ledger, spaces, space, ids)
    except DataError as fault:
        logger.warning("the %s space does not show yet what is committed, until it is reconciled: %s", space, fault)
        if isinstance(fault, SpacesDamaged):
            spaces.damage = fault


@asynccontextmanager
async def rewording(ledger: Ledger, spaces: KnowledgeSpaces, ids: Sequence[ItemId]) -> AsyncIterator[None]:
    """To be held around a commit that words items anew: their rows leave first and come back as the ledger then is.

    What a crash leaves between the two is a missing row, which reconciling adds, and never an outdated one.
    """
    if not ids:
        yield
        return
    await follow_generation(ledger, spaces)
    async with spaces.writing():
        for space in SPACES:
            await spaces.remove(space, ids)
    try:
        yield
    finally:
        await follow_generation(ledger, spaces)
        for space in SPACES:
            await align_committed(ledger, spaces, space, ids)
