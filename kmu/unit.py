"""The knowledge management unit: what agents ask of the memory, over an open ledger and open spaces."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio

from fleetlore.kmu import consolidation, forgetting, learning, retrieval
from fleetlore.kmu.consolidation import SLICE_SECONDS, Consolidated
from fleetlore.kmu.exploration import Exploration
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.question import Question, Retrieval
from fleetlore.kmu.report import Acknowledgement, Report
from fleetlore.kmu.upkeep import Upkeep
from fleetlore.kmu.wish import Pruning, Wish
from fleetlore.storage.embedding import load_embedder
from fleetlore.storage.identifiers import PlanId
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.locks import LONG_PATIENCE, MAINTAIN_LOCK, ProcessLock
from fleetlore.storage.maintainer import Rota
from fleetlore.storage.records import SPACES, AgentName
from fleetlore.storage.row_changes import NONE_YET
from fleetlore.storage.search import Filter
from fleetlore.storage.searching import Searches
from fleetlore.storage.spaces import KnowledgeSpaces

_PROBE = "is the memory well and of use to anybody"


class KnowledgeManagementUnit:
    """Aligns, stores, retrieves, promotes, consolidates and prunes."""

    def __init__(
        self,
        ledger: Ledger,
        spaces: KnowledgeSpaces,
        searches: Searches,
        exploration: Exploration,
        upkeep: Upkeep,
        policy: Policy,
    ) -> None:
        self.ledger = ledger
        self.spaces = spaces
        self.exploration = exploration
        self._searches = searches
        self.upkeep = upkeep
        self._policy = policy

    @classmethod
    @asynccontextmanager
    async def open(cls, ledger: Ledger, data: Path, *, policy: Policy) -> AsyncIterator["KnowledgeManagementUnit"]:
        """Opens the spaces of a ledger's data directory; whoever serves them runs its `upkeep` beside."""
        embedder = await anyio.to_thread.run_sync(load_embedder, ledger.info.embedder)
        async with AsyncExitStack() as stack:
            generation = ledger.info.generation
            spaces = await stack.enter_async_context(
                KnowledgeSpaces.open(
                    data, embedder=embedder, generation=generation, may_write=ledger.refuse, needed=False
                )
            )
            if spaces.has_tables and spaces.lacking and await ledger.read.followed(generation) == NONE_YET:
                spaces.lacking = ""  # nothing was ever in them
            await stack.enter_async_context(spaces.resident.kept(ledger))
            searches = await stack.enter_async_context(Searches(ledger, spaces).running())
            exploration = await stack.enter_async_context(Exploration(ledger, lambda: spaces.embedder).running())
            upkeep = Upkeep(
                ledger, spaces, ProcessLock(data / MAINTAIN_LOCK, patience=LONG_PATIENCE), policy, Rota(data)
            )
            yield cls(ledger, spaces, searches, exploration, upkeep, policy)

    async def prove(self) -> None:
        """Searches in each space; raises why they are of no use."""
        await self._searches.search(dict.fromkeys(SPACES, Filter()), task=_PROBE, terms=_PROBE)

    async def retrieve(self, question: Question, *, fits: Callable[[Retrieval], bool]) -> Retrieval:
        """What is known for a task, within a budget; see `retrieval.retrieve`."""
        return await retrieval.retrieve(
            self.ledger, self._searches, self.exploration, question, fits=fits, policy=self._policy
        )

    async def learn(self, report: Report) -> Acknowledgement:
        """Takes a report; see `learning.learn`."""
        return await learning.learn(self.ledger, report, policy=self._policy)

    async def consolidate(
        self,
        *,
        slice_seconds: float = SLICE_SECONDS,
        rest: float = 1.0,
        progress: Callable[[int], None] = lambda looked: None,
    ) -> Consolidated:
        """Makes a pass of consolidation; the caller holds `upkeep.lock`."""
        return await consolidation.consolidate(
            self.ledger, self.spaces, self._policy, slice_seconds=slice_seconds, rest=rest, progress=progress
        )

    async def plan(self, wish: Wish) -> Pruning:
        """Makes a prune plan."""
        return await forgetting.plan(self.ledger, wish, policy=self._policy.prune)

    async def show_plan(self, plan: PlanId, *, agent: AgentName) -> Pruning:
        """A prune plan as it was made."""
        return await forgetting.show(self.ledger, plan, agent=agent)

    async def apply_plan(self, plan: PlanId, *, agent: AgentName) -> Pruning:
        """Prunes what a plan says."""
        return await forgetting.apply(self.ledger, plan, agent=agent, required=self._policy.promote_after)

    async def undo_plan(self, plan: PlanId, *, agent: AgentName) -> Pruning:
        """Takes back what a plan of any kind did; see `forgetting.undo`."""
        return await forgetting.undo(self.ledger, plan, agent=agent, required=self._policy.promote_after)
