"""Searching what the ledger has committed: in memory, or in tables that have followed it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

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
    from fleetlore.storage.spaces import Answering, KnowledgeSpaces

_PATIENCE = 3.0  # where somebody is suspended in the midst of writing, who asks is answered without what came since


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What one look found: what knows everything that was committed before it, and who has items of its own."""

    answering: Answering
    owners: frozenset[AgentName]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What lies near a task in each space that was searched, the task's vector, and what searching lacked, in words."""

    legs: Mapping[Space, Legs]
    vector: Vectors
    lacking: str


class Searches:
    """Searches the spaces, after a look at what was committed: one for all who have come meanwhile."""

    def __init__(self, ledger: Ledger, spaces: KnowledgeSpaces) -> None:
        self._ledger = ledger
        self._spaces = spaces
        self._looks: Batcher[AgentName, Look] = Batcher(self._look)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Searches]:
        """Searches until the block ends."""
        async with self._looks.running():
            yield self

    async def search(self, where: Mapping[Space, Filter], *, task: str, terms: str) -> Found:
        """What lies near a task in these spaces, by its meaning and by these words, as of the last commit of anybody.

        A space of which one owner's rows are wanted is left out where there are none. Looks again where something else
        answers by now, which may know less: the spaces have come into memory, or a rebuild took their tables away.
        """
        owner = AgentName(next((one.owner for one in where.values() if one.owner), ""))
        while True:
            look = await self._looks.submit(owner)
            [vector] = self._spaces.embedder.embed([task])
            wanted = {space: one for space, one in where.items() if one.owner in look.owners | {""}}
            legs = await self._all(wanted, terms, vector, look.answering)
            if self._spaces.answering == look.answering:
                lacking = "" if self._spaces.resident.answers() else self._spaces.lacking
                return Found(legs=legs, vector=vector, lacking=lacking)

    async def _look(self, owners: Sequence[AgentName]) -> Sequence[Look]:
        return [await ready(self._ledger, self._spaces, among=set(owners))] * len(owners)

    async def _all(
        self, wanted: Mapping[Space, Filter], terms: str, vector: Vectors, answering: Answering
    ) -> Mapping[Space, Legs]:
        found = dict[Space, Legs]()

        async def search(space: Space) -> None:
            found[space] = await self._one(space, terms, vector, wanted[space], answering)

        if self._spaces.resident.answers():  # nothing is gained by doing it at once
            for space in wanted:
                await search(space)
            return found
        try:
            async with anyio.create_task_group() as searches:
                for space in wanted:
                    searches.start_soon(search, space)
        except ExceptionGroup as error:
            raise known_fault(error) or error from error
        return found

    async def _one(self, space: Space, terms: str, vector: Vectors, where: Filter, answering: Answering) -> Legs:
        """Where one way of searching is broken, what the other finds; nothing where something else answers by now."""
        if self._spaces.answering != answering:  # and the vector may be of another embedder
            return Legs(text={}, vector={})
        try:
            found = await self._spaces.search(space, text=terms, vector=vector, where=where)
        except (StorageFault, ExceptionGroup) as error:  # the legs of a search fail together
            fault = known_fault(error)
            if not isinstance(fault, StorageFault):
                raise
            by_one = await _by_one_leg(self._spaces, space, text=terms, vector=vector, where=where)
            await follow_generation(self._ledger, self._spaces)
            if self._spaces.answering != answering:  # a rebuild took the tables away
                return Legs(text={}, vector={})
            return await _broken(self._spaces, fault, by_one)
        if self._spaces.lacking == ONE_LEG:
            self._spaces.lacking = ""
        return found


async def ready(ledger: Ledger, spaces: KnowledgeSpaces, *, among: Collection[AgentName] = ()) -> Look:
    """Makes searching know what is committed: what is in memory, or else the tables.

    Where they have far to go, or cannot go on now, `spaces.lacking` says that something may be missing. `among` are the
    agents of whom one wants to know whether they have items of their own.
    """

    async def seen(view: LedgerView) -> tuple[News, frozenset[AgentName]]:
        owners = [agent for agent in among if agent and await view.has_own_items(agent)]
        return await spaces.resident.news(view), frozenset(owners)

    news, owners = await ledger.look(seen)
    await turn(ledger, spaces)
    await spaces.resident.follow(ledger, news)
    answering = spaces.answering  # what comes into memory from here on has yet to follow
    if not spaces.resident.answers():
        await _catch_up(ledger, spaces)
    elif spaces.lacking == BEHIND:
        spaces.lacking = ""
    return Look(answering=answering, owners=owners)


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


async def _by_one_leg(spaces: KnowledgeSpaces, space: Space, *, text: str, vector: Vectors, where: Filter) -> Legs:
    """What is found by words alone or by meaning alone."""
    for words, meaning in ((text, vector * 0), ("", vector)):
        try:
            found = await spaces.search(space, text=words, vector=meaning, where=where)
        except (StorageFault, ExceptionGroup) as error:
            if not isinstance(known_fault(error), StorageFault):
                raise
            continue
        if found.text or found.vector:
            return found
    return Legs(text={}, vector={})


async def _broken(spaces: KnowledgeSpaces, fault: StorageFault, by_one: Legs) -> Legs:
    """What was found in spaces with this fault, which is told. Nothing is no proof that a leg works: then raises."""
    found = bool(by_one.text or by_one.vector)
    # Opened anew, they are filled anew.
    if isinstance(fault, SpacesDamaged) and not (found and await spaces.are_there(spaces.generation)):
        spaces.damage = fault
    if not found:
        raise fault
    spaces.lacking = ONE_LEG
    return by_one
