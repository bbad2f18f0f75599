"""Writing how items stand to one another (superseded, in conflict, linked, merged, taken away) and by which plan."""

import json
from collections.abc import Mapping
from datetime import datetime

from fleetlore.storage.connection import Connection
from fleetlore.storage.identifiers import FeedbackId, ItemId, PlanId
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.plans import lines_of, texts_of
from fleetlore.storage.records import Plan, Wording
from fleetlore.storage.rows import StoreInfo, microseconds
from fleetlore.storage.sealing import Sealing


class Relations(LedgerView, Sealing):
    """The part of a transaction at the time `now` that plans need."""

    def __init__(self, connection: Connection, info: StoreInfo, now: datetime) -> None:
        super().__init__(connection)
        self.info = info
        self.now = now
        self.unbound = {}
        self._at = microseconds(now)

    async def supersede(self, item: ItemId, successor: ItemId | None, *, news: bool = True) -> None:
        """Names the item's successor; None takes it back. Without `news` the item counts as no younger for it."""
        await self._connection.run("supersede", id=item, successor=successor, at=self._at if news else 0)

    async def add_conflict(self, one: ItemId, other: ItemId, source: FeedbackId | PlanId) -> None:
        """Marks two items as contradicting each other, as a report or a plan says."""
        await self._connection.run("add_conflict", item=one, other=other, feedback=source)
        await self._connection.run("add_conflict", item=other, other=one, feedback=source)

    async def remove_conflict(self, one: ItemId, other: ItemId, source: PlanId) -> None:
        """Takes back what that plan marked."""
        await self._connection.run("remove_conflict", item=one, other=other, feedback=source)

    async def add_link(self, one: ItemId, other: ItemId, plan: PlanId) -> None:
        """Links two similar items."""
        await self._connection.run("add_link", item=one, other=other, plan=plan)
        await self._connection.run("add_link", item=other, other=one, plan=plan)

    async def remove_link(self, one: ItemId, other: ItemId, plan: PlanId) -> None:
        """Takes back what that plan linked."""
        await self._connection.run("remove_link", item=one, other=other, plan=plan)

    async def reword(self, item: ItemId, wording: Wording, digests: Mapping[str, object], updated_at: datetime) -> None:
        """Words an item anew; `digests` are those of `Item` that follow from its words. Its evidence stays."""
        texts = {"insight": wording.insight, "applies_when": wording.applies_when}
        await self._keep("set_content", item, texts)
        await self._connection.run(
            "reword",
            id=item,
            kind=wording.kind,
            task_type=wording.task_type,
            project=wording.project,
            tags=json.dumps(wording.tags),
            at=microseconds(updated_at),
            **digests,
        )

    async def set_pruned(self, item: ItemId, plan: PlanId | None, *, survivor: ItemId | None = None) -> None:
        """Takes an item away under a plan, where it was merged into its `survivor`; None brings it back."""
        await self._connection.run("prune_item", id=item, plan=plan, survivor=survivor)

    async def remove_verdict(self, item: ItemId, source: str) -> None:
        """Takes back what that source said of the item, and counts anew."""
        await self._connection.run("remove_verdict", item=item, source=source)
        await self._connection.run("count_verdicts", id=item)

    async def add_plan(self, plan: Plan) -> None:
        """Stores a plan as shown, or one that is carried out in this transaction."""
        await self._keep("add_content", plan.id, texts_of(plan))
        await self._connection.run(
            "add_plan",
            id=plan.id,
            at=self._at,
            agent=plan.agent,
            kind=plan.kind,
            items=lines_of(plan),
            applied_at=microseconds(plan.applied_at) if plan.applied_at else None,
        )
        await self.record("planned", agent=plan.agent, subject=plan.id, plan=plan.kind, lines=len(plan.items))

    async def mark_plan(self, plan: Plan) -> None:
        """Notes that a plan was applied or undone, and what its items were like before."""
        await self._connection.run(
            "mark_plan",
            id=plan.id,
            items=lines_of(plan),
            applied_at=microseconds(plan.applied_at) if plan.applied_at else None,
            undone_at=microseconds(plan.undone_at) if plan.undone_at else None,
        )

    async def set_consolidated(self, seq: int) -> None:
        """Notes how far consolidation has looked."""
        await self._connection.run("set_meta", key="consolidated", value=str(seq))

    async def end_consolidation(self) -> None:
        """Notes that a pass of consolidation came to its end."""
        await self._connection.run("set_meta", key="consolidated_at", value=str(self._at))
