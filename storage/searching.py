"""Searching what the ledger has committed: in memory, or in tables that have followed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetlore.storage.errors import NotWritable, SpacesDamaged, StorageBusy, StorageFault, known_fault
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.reconciliation import AT_ONCE, follow_generation, take_in, waiting_rows
from fleetlore.storage.records import Space
from fleetlore.storage.search import BEHIND, ONE_LEG, Filter, Legs

if TYPE_CHECKING:
    from fleetlore.storage.embedding import Vectors
    from fleetlore.storage.spaces import KnowledgeSpaces


_PATIENCE = 1.0  # where somebody is suspended in the midst of writing, who asks is answered without what came since


async def search_latest(
    ledger: Ledger, spaces: KnowledgeSpaces, space: Space, *, text: str, vector: Vectors, where: Filter
) -> Legs:
    """Searches, also where another process erases for good meanwhile and takes away the tables from before.

    Where one way of searching is broken, what the other finds is the answer, and `spaces.lacking` says so.
    """
    await ready(ledger, spaces)
    searched = spaces.generation
    try:
        found = await spaces.search(space, text=text, vector=vector, where=where)
    except (StorageFault, ExceptionGroup) as error:  # the legs of a search fail together
        fault = known_fault(error)
        if not isinstance(fault, StorageFault):
            raise
        await follow_generation(ledger, spaces)
        if spaces.generation == searched:
            return await _by_one_leg(spaces, space, text=text, vector=vector, where=where, fault=fault)
        found = await spaces.search(space, text=text, vector=vector, where=where)
    if spaces.lacking == ONE_LEG:
        spaces.lacking = ""
    return found


async def ready(ledger: Ledger, spaces: KnowledgeSpaces) -> None:
    """Makes searching know what is committed: what is in memory, or else the tables.

    Where they have far to go, or cannot go on now, `spaces.lacking` says that something may be missing.
    """
    await spaces.resident.follow(ledger)
    if spaces.resident.answers():
        return
    waiting = await ledger.snapshot(lambda view: waiting_rows(view, spaces.generation))
    behind = waiting is None or waiting >= AT_ONCE
    if waiting and not behind:
        try:
            await take_in(ledger, spaces, patience=_PATIENCE)
        except (NotWritable, StorageBusy, StorageFault) as fault:
            behind = True
            if isinstance(fault, SpacesDamaged):
                spaces.damage = fault
    if behind:
        spaces.lacking = spaces.lacking or BEHIND
    elif spaces.lacking == BEHIND:
        spaces.lacking = ""


async def _by_one_leg(
    spaces: KnowledgeSpaces, space: Space, *, text: str, vector: Vectors, where: Filter, fault: StorageFault
) -> Legs:
    """What is found by words alone or by meaning alone. Finding nothing is no proof that a leg works: then it fails."""
    for words, meaning in ((text, vector * 0), ("", vector)):
        try:
            found = await spaces.search(space, text=words, vector=meaning, where=where)
        except (StorageFault, ExceptionGroup) as error:
            if not isinstance(known_fault(error), StorageFault):
                raise
            continue
        if found.text or found.vector:
            spaces.lacking = ONE_LEG
            if isinstance(fault, SpacesDamaged) and not await spaces.are_there(spaces.generation):
                spaces.damage = fault  # opened anew, they are filled anew
            return found
    if isinstance(fault, SpacesDamaged):
        spaces.damage = fault
    raise fault
