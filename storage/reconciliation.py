"""Bringing the knowledge spaces in line with the ledger: after its commits, after a crash, and from nothing.

The ledger commits first and alone. Its triggers write down which rows changed, the tables follow what is written, and
the ledger keeps how far they have come (`followed`). All of it under the write lock, and each row as the ledger has it
by then: to do it once more does no harm, so that whoever dies in the midst of it is followed by another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio.to_thread

from fleetlore.storage.embedders import EMBEDDERS
from fleetlore.storage.errors import EmbedderMismatch
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import SPACES, Space
from fleetlore.storage.row_changes import RowChange
from fleetlore.storage.rows import IndexedItem

if TYPE_CHECKING:
    from fleetlore.storage.spaces import KnowledgeSpaces

AT_ONCE = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Repairs:
    """How many rows were added, removed as unknown to the ledger, and removed as doubles."""

    added: int = 0
    orphans: int = 0
    doubles: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """What the tables have not followed yet, or the first of it: which items, and those of them that live."""

    last: RowChange
    items: Collection[ItemId]
    living: Mapping[Space, Sequence[IndexedItem]]


async def follow_generation(ledger: Ledger, spaces: KnowledgeSpaces) -> None:
    """Turns to the generation that a rebuild by another process has made the one to search, and to its embedder.

    Raises `EmbedderMismatch` if whoever opened the ledger insists on another embedder, or there is none of that name.
    """
    await ledger.refresh()
    await turn(ledger, spaces)


async def turn(ledger: Ledger, spaces: KnowledgeSpaces) -> None:
    """As `follow_generation`, by what was last read of the ledger."""
    info = ledger.info
    if info.embedder != spaces.embedder.name:
        if ledger.pinned or info.embedder not in EMBEDDERS:
            raise EmbedderMismatch(info.embedder, spaces.embedder.name)
        await spaces.use(info.generation, embedder=info.embedder)
    elif info.generation != spaces.generation:
        await spaces.use(info.generation)


async def waiting_rows(view: LedgerView, generation: int) -> int | None:
    """How many changes the tables of that generation have not followed, up to `AT_ONCE`; None where nobody can tell."""
    changes = await view.row_changes_after(await view.followed(generation), AT_ONCE)
    return None if changes is None else len(changes)


async def take_in(ledger: Ledger, spaces: KnowledgeSpaces, *, patience: float | None = None) -> None:
    """Makes the tables hold what the ledger has committed by now, whichever process did.

    `patience` is for how many seconds to wait for the write lock, where not for as long as usual.
    """
    until = await ledger.read.last_row_change()
    while await ledger.snapshot(lambda view: _behind(view, spaces.generation, until)):
        async with spaces.writing(patience=patience):
            await follow_generation(ledger, spaces)
            await _take_in(ledger, spaces)


async def reconcile(ledger: Ledger, spaces: KnowledgeSpaces) -> Repairs:
    """Adds missing rows, removes those that the ledger does not know, reduces doubles to one: whatever made them.

    Nobody waits while both are compared; what differs is looked at once more, a part at a time, under the lock.
    """
    total = Counter[str]()
    for space in SPACES:
        await follow_generation(ledger, spaces)
        differing = await _differing(ledger, spaces, space)
        for start in range(0, len(differing), AT_ONCE):
            async with spaces.writing():
                await follow_generation(ledger, spaces)
                total.update(await _mend(ledger, spaces, space, differing[start : start + AT_ONCE]))
    return Repairs(**total)


async def _behind(view: LedgerView, generation: int, until: RowChange) -> bool:
    waiting = await waiting_rows(view, generation)
    return waiting is None or (waiting > 0 and (await view.followed(generation)).seq < until.seq)


async def _take_in(ledger: Ledger, spaces: KnowledgeSpaces) -> None:
    generation = spaces.generation
    waiting = await ledger.snapshot(lambda view: _waiting(view, generation))
    if waiting is None:
        last = await ledger.read.last_row_change()
        await _make_whole(ledger, spaces)
    else:
        last = waiting.last
        for space in SPACES:
            await spaces.remove(space, await spaces.present(space, waiting.items))
            await spaces.add(space, waiting.living[space])
    await ledger.write(lambda transaction: transaction.set_followed(generation, last))


async def _waiting(view: LedgerView, generation: int) -> Waiting | None:
    followed = await view.followed(generation)
    changes = await view.row_changes_after(followed, AT_ONCE)
    if changes is None:
        return None
    items = {change.item for change in changes}
    return Waiting(
        last=changes[-1] if changes else followed,
        items=items,
        living={space: await view.living_among(space, items) for space in SPACES},
    )


async def _make_whole(ledger: Ledger, spaces: KnowledgeSpaces) -> None:
    for space in SPACES:
        differing = await _differing(ledger, spaces, space)
        for start in range(0, len(differing), AT_ONCE):
            await _mend(ledger, spaces, space, differing[start : start + AT_ONCE])


async def _differing(ledger: Ledger, spaces: KnowledgeSpaces, space: Space) -> Sequence[ItemId]:
    """Items that live without a row, have one and do not live, or have more than one; or seem to while others write."""
    known, present = await ledger.read.living_ids(space), await spaces.ids(space)
    return await anyio.to_thread.run_sync(_without_one_row, known, present)


def _without_one_row(missing: set[ItemId], present: Iterable[ItemId]) -> Sequence[ItemId]:
    further: set[ItemId] = set()
    for item in present:  # one by one: a million at once would keep Python's lock for a second
        if item in missing:
            missing.remove(item)
        else:
            further.add(item)
    return [*missing, *further]


async def _mend(
    ledger: Ledger, spaces: KnowledgeSpaces, space: Space, differing: Collection[ItemId]
) -> Mapping[str, int]:
    living = await ledger.read.living_among(space, differing)
    known, rows = {item.id for item in living}, Counter(await spaces.ids(space, differing))
    orphans, doubles = rows.keys() - known, {item for item, count in rows.items() if count > 1}
    await spaces.remove(space, orphans | doubles)
    await spaces.add(space, [item for item in living if rows[item.id] != 1])
    return {"added": len(known - rows.keys()), "orphans": len(orphans), "doubles": len(doubles)}
