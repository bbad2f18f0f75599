"""Searching what the ledger has committed: in memory, or in tables that have followed it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fleetlore.storage.batching import Batcher
from fleetlore.storage.errors import NotWritable, SpacesDamaged, StorageBusy, StorageFault, known_fault
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.reconciliation import AT_ONCE, follow_generation, take_in, turn, waiting_rows
from fleetlore.storage.records import AgentName, Space
from fleetlore.storage.search import BEHIND, ONE_LEG, Filter, Legs

if TYPE_CHECKING:
    from fleetlore.storage.embedding import Vectors
    from fleetlore.storage.resident import News
    from fleetlore.storage.spaces import KnowledgeSpaces


_PATIENCE = 3.0  # where somebody is suspended in the midst of writing, who asks is answered without what came since


class Lookout:
    """Looks at what was committed before a search: once for all who have come meanwhile."""

    def __init__(self, ledger: Ledger, spaces: KnowledgeSpaces) -> None:
        self._ledger = ledger
        self._spaces = spaces
        self._looks: Batcher[AgentName, bool] = Batcher(self._look)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[Lookout]:
        """Looks until the block ends."""
        async with self._looks.running():
            yield self

    async def look(self, agent: AgentName) -> bool:
        """Makes searching know what is committed, see `ready`; says whether the agent has items of its own."""
        return await self._looks.submit(agent)

    async def _look(self, agents: Sequence[AgentName]) -> Sequence[bool]:
        owners = await ready(self._ledger, self._spaces, among=set(agents))
        return [agent in owners for agent in agents]


async def ready(ledger: Ledger, spaces: KnowledgeSpaces, *, among: Iterable[AgentName] = ()) -> set[AgentName]:
    """Makes searching know what is committed: what is in memory, or else the tables.

    Where they have far to go, or cannot go on now, `spaces.lacking` says that something may be missing. Returns which
    of these agents have items of their own.
    """

    async def seen(view: LedgerView) -> tuple[News, set[AgentName]]:
        return await spaces.resident.news(view), {agent for agent in among if await view.has_own_items(agent)}

    news, owners = await ledger.look(seen)
    await turn(ledger, spaces)
    await spaces.resident.follow(ledger, news)
    if not spaces.resident.answers():
        await _catch_up(ledger, spaces)
    elif spaces.lacking == BEHIND:
        spaces.lacking = ""
    return owners


async def search_latest(
    ledger: Ledger, spaces: KnowledgeSpaces, space: Space, *, text: str, vector: Vectors, where: Filter
) -> Legs:
    """Searches what is `ready`, also where another process has erased since and took away the tables from before.

    Where one way of searching is broken, what the other finds is the answer, and `spaces.lacking` says so.
    """
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


async def _catch_up(ledger: Ledger, spaces: KnowledgeSpaces) -> None:
    waiting = await ledger.snapshot(lambda view: waiting_rows(view, spaces.generation))
    behind = waiting is None or waiting >= AT_ONCE
    if waiting and not behind:
        try:
            await take_in(ledger, spaces, patience=_PATIENCE)
        except (NotWritable, StorageBusy, StorageFault) as fault:
            behind = True
            if isinstance(fault, SpacesDamaged):
                spaces.damage = fault
    if behind:  # memory comes from the ledger as well
        await spaces.resident.tried(_PATIENCE)
        await spaces.resident.follow(ledger, await spaces.resident.news(ledger.read))
        behind = not spaces.resident.answers()
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
