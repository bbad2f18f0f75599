"""Inspecting a knowledge space: every row is read and set beside what the ledger says of its item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import Space
from fleetlore.storage.table_rows import rows_of

if TYPE_CHECKING:
    import pyarrow as pa

    from fleetlore.storage.spaces import KnowledgeSpaces

_TOLERANCE = 1e-3  # of a vector's numbers: they are made by other processes, on other machines
_EXACT = ("text", "owner", "task_type", "tags")


@dataclass(kw_only=True, slots=True)
class Inspection:
    """What was found in a space; what its table has yet to follow is only counted, as `coming`."""

    rows: int = 0
    missing: set[ItemId] = field(default_factory=set)
    doubled: set[ItemId] = field(default_factory=set)
    differing: set[ItemId] = field(default_factory=set)
    unknown: set[ItemId] = field(default_factory=set)
    coming: int = 0

    @property
    def wrong(self) -> set[ItemId]:
        """What is not as the ledger says."""
        return self.missing | self.doubled | self.differing


async def inspect(ledger: Ledger, spaces: KnowledgeSpaces, space: Space, progress: Callable[[int], None]) -> Inspection:
    """Reads every row of the space. `progress` is told how many were read.

    What seems wrong is looked at once more while nobody adds or removes rows: servers may have been at it.
    """
    known = await ledger.read.living_ids(space)
    found, seen = Inspection(), Counter[ItemId]()
    async for rows in spaces.contents(space):
        ids = [ItemId(item) for item in rows["id"].to_pylist()]
        seen.update(ids)
        found.differing |= await _differing(ledger, spaces, space, rows)
        found.rows += len(ids)
        progress(found.rows)
    found.missing = known - seen.keys()
    found.doubled = {item for item, count in seen.items() if count > 1}
    found.unknown = seen.keys() - known
    await _set_aside(ledger, spaces, found)
    if found.wrong or found.unknown:
        async with spaces.writing():
            await _once_more(ledger, spaces, space, found)
    return found


async def _once_more(ledger: Ledger, spaces: KnowledgeSpaces, space: Space, found: Inspection) -> None:
    looked_at = found.wrong | found.unknown
    seen, differing = Counter[ItemId](), set[ItemId]()
    async for rows in spaces.contents(space, among=looked_at):
        seen.update(ItemId(item) for item in rows["id"].to_pylist())
        differing |= await _differing(ledger, spaces, space, rows)
    living = {item.id for item in await ledger.read.living_among(space, looked_at)}
    found.missing &= living - seen.keys()
    found.doubled = {item for item in found.doubled if seen[item] > 1}
    found.differing &= differing
    found.unknown &= seen.keys() - living
    await _set_aside(ledger, spaces, found)


async def _set_aside(ledger: Ledger, spaces: KnowledgeSpaces, found: Inspection) -> None:
    """To be done last: what has changed until then is no fault."""
    changes = await ledger.read.row_changes_after(await ledger.read.followed(spaces.generation), None) or ()
    coming = {change.item for change in changes}
    for kind in (found.missing, found.differing, found.unknown):
        found.coming += len(kind & coming)
        kind.difference_update(coming)


async def _differing(ledger: Ledger, spaces: KnowledgeSpaces, space: Space, rows: pa.RecordBatch) -> set[ItemId]:
    """Items whose rows are not what the ledger makes of them."""
    ids = rows["id"].to_pylist()
    items = {item.id: item for item in await ledger.read.living_among(space, ids)}
    places = [place for place, item in enumerate(ids) if item in items]
    if not places:
        return set()
    should, stands = rows_of([items[ids[place]] for place in places], spaces.embedder), rows.take(places)
    wrong = np.zeros(len(places), dtype=bool)
    for name in _EXACT:
        pairs = zip(should[name].to_pylist(), stands[name].to_pylist(), strict=True)
        wrong |= [one != other for one, other in pairs]
    shape = (len(places), spaces.embedder.dimension)
    made, kept = _numbers(should["vector"].combine_chunks()), _numbers(stands["vector"])
    wrong |= ~np.isclose(made.reshape(shape), kept.reshape(shape), rtol=0, atol=_TOLERANCE).all(axis=1)
    return {ids[place] for place, differs in zip(places, wrong, strict=True) if differs}


def _numbers(vectors: pa.FixedSizeListArray) -> np.ndarray:
    return np.asarray(vectors.flatten().to_numpy(zero_copy_only=False))
