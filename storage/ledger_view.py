"""Reading the ledger: rows become records. Used on the reading connection and inside a write transaction alike."""

import json
from collections.abc import Iterable
from typing import Any

from fleetlore.storage.attempts import AttemptsView
from fleetlore.storage.audit_view import AuditView
from fleetlore.storage.backlog import Backlog
from fleetlore.storage.census import CensusView
from fleetlore.storage.dossiers import DossierView
from fleetlore.storage.erasing import ErasingView
from fleetlore.storage.evidence_view import EvidenceView
from fleetlore.storage.identifiers import EventId, FeedbackId, ItemId, PlanId, ReceiptId, StoreId
from fleetlore.storage.judgement import JudgementView
from fleetlore.storage.outlines import OutlinesView
from fleetlore.storage.people_view import PeopleView
from fleetlore.storage.plans import plan_of
from fleetlore.storage.records import (
    AgentName,
    Feedback,
    Item,
    Plan,
    Receipt,
    Space,
)
from fleetlore.storage.rescreening import Unscreened
from fleetlore.storage.retention import RetentionView
from fleetlore.storage.row_changes import RowChanges
from fleetlore.storage.rows import (
    FEEDBACK_TEXTS,
    IndexedItem,
    StoreInfo,
    content_of,
    indexed_of,
    item_of,
    moment,
    shown_of,
)
from fleetlore.storage.standings import StandingsView
from fleetlore.storage.underway import UnderwayView
from fleetlore.storage.withdrawals import WithdrawalsView

_IDS_AT_ONCE = 10_000


class LedgerView(
    AttemptsView,
    AuditView,
    Backlog,
    CensusView,
    DossierView,
    ErasingView,
    EvidenceView,
    JudgementView,
    OutlinesView,
    PeopleView,
    RetentionView,
    RowChanges,
    StandingsView,
    UnderwayView,
    Unscreened,
    WithdrawalsView,
):
    """Questions to the ledger, answered in records."""

    async def store(self) -> StoreInfo | None:
        """What the ledger says of itself; None in one just made."""
        meta = {row["key"]: row["value"] for row in await self._connection.rows("meta")}
        if "store" not in meta:
            return None
        return StoreInfo(
            id=StoreId(meta["store"]),
            salt=meta["salt"],
            embedder=meta["embedder"],
            generation=int(meta["generation"]),
        )

    async def items(self, ids: Iterable[ItemId], *, agent: str, pruned: bool = False) -> dict[ItemId, Item]:
        """Those of `ids` that exist and that `agent` may see; pruned ones only if asked for."""
        if not (wanted := list(ids)):
            return {}
        rows = await self._connection.rows("items", ids=json.dumps(wanted), agent=agent, pruned=pruned)
        return {ItemId(row["id"]): item_of(row) for row in rows}

    async def item(self, item: ItemId, *, agent: str, pruned: bool = False) -> Item | None:
        """One item, if it exists and `agent` may see it."""
        return (await self.items([item], agent=agent, pruned=pruned)).get(item)

    async def item_of_digest(self, space: Space, owner: str, digest: str) -> tuple[ItemId, PlanId | None] | None:
        """The item of that digest, or the one that it was merged into, and the plan that pruned it if one did."""
        row = await self._connection.row("item_of_digest", space=space, owner=owner, digest=digest)
        return None if row is None else (ItemId(row["id"]), PlanId(row["pruned_by"]) if row["pruned_by"] else None)

    async def item_of_gist(self, space: Space, owner: str, gist: str) -> ItemId | None:
        """The oldest living item of that gist that is not held; "" is nobody's."""
        row = await self._connection.row("item_of_gist", space=space, owner=owner, gist=gist)
        return None if row is None else ItemId(row["id"])

    async def newest_items(self, space: Space, *, agent: str, limit: int) -> list[Item]:
        """The newest items of a space that `agent` may see."""
        rows = await self._connection.rows("item_ids_of_space", space=space, agent=agent, limit=limit)
        ids = [ItemId(row["id"]) for row in rows]
        items = await self.items(ids, agent=agent)
        return [items[item] for item in ids if item in items]

    async def best_items(self, project: str, *, limit: int) -> list[Item]:
        """Items of the general space that concern a project: its own, those of none and those borne out in several.

        Of each of these the first `limit`, active before provisional, then by trust; in no order.
        """
        rows = await self._connection.rows("best_items", project=project, limit=limit)
        return list((await self.items([ItemId(row["id"]) for row in rows], agent="")).values())

    async def living_ids(self, space: Space) -> set[ItemId]:
        """Every item of a space that is not pruned."""
        found: set[ItemId] = set()
        after = 0
        # In slices: the rows of a large space at once take ten times the memory of its ids.
        while rows := await self._connection.rows("living_ids", space=space, after=after, limit=_IDS_AT_ONCE):
            found.update(ItemId(row["id"]) for row in rows)
            after = rows[-1]["seq"]
        return found

    async def living_after(self, space: Space, after: int, limit: int) -> list[IndexedItem]:
        """Items of a space in the ledger's order, beginning behind `after`, for filling a space."""
        rows = await self._connection.rows("living_after", space=space, after=after, limit=limit)
        return [indexed_of(row) for row in rows]

    async def living_among(self, space: Space, ids: Iterable[ItemId]) -> list[IndexedItem]:
        """Those of `ids` that live in the space."""
        rows = await self._connection.rows("living_among", space=space, ids=json.dumps(list(ids)))
        return [indexed_of(row) for row in rows]

    async def own_items(self, agent: AgentName) -> int:
        """How many prompt-specific items `agent` has."""
        [row] = await self._connection.rows("own_items", agent=agent)
        return int(row["count"])

    async def has_own_items(self, agent: AgentName) -> bool:
        """Whether `agent` has prompt-specific items."""
        return await self._connection.row("own_item", agent=agent) is not None

    async def receipt(self, receipt: ReceiptId, *, agent: AgentName | None) -> Receipt | None:
        """The receipt, if it was ever given to this agent, or, for None, to anybody."""
        row = await self._connection.row("receipt", id=receipt, agent=agent)
        row = row or await self._connection.row("archived_receipt", id=receipt, agent=agent)
        if row is None:
            return None
        shown = tuple(map(shown_of, json.loads(row["shown"])))
        return Receipt(
            id=ReceiptId(row["id"]),
            at=moment(row["at"]),
            agent=AgentName(row["agent"]),
            project=row["project"],
            task_type=row["task_type"],
            task=content_of(row).get("task", ""),
            mode=row["mode"],
            shown=shown,
            near=tuple((ItemId(item), relevance) for item, relevance in json.loads(row["near"])),
            control=json.loads(row["control"]),
            held_out=bool(row["held_out"]),
            answered=row["answered_at"] is not None,
        )

    async def latest_receipt_showing(self, item: ItemId, *, agent: AgentName) -> ReceiptId | None:
        """The last of the agent's 1,000 latest receipts that showed it the item."""
        row = await self._connection.row("latest_receipt_showing", item=item, agent=agent)
        return None if row is None else ReceiptId(row["id"])

    async def answer_of_key(self, agent: AgentName, key: str) -> tuple[str, str] | None:
        """The digest of the request that came with this key, and the answer it was given."""
        row = await self._connection.row("feedback_of_key", agent=agent, key=key)
        return None if row is None else (row["request"], row["answer"])

    async def feedback(self, feedback: FeedbackId, *, agent: AgentName, others: bool) -> Feedback | None:
        """One report as it was made, if this agent made it; with `others` also theirs, but of their own items."""
        row = await self._connection.row("feedback", id=feedback, agent=agent, others=others)
        if row is None:
            return None
        text = content_of(row)
        return Feedback(
            id=FeedbackId(row["id"]),
            at=moment(row["at"]),
            agent=AgentName(row["agent"]),
            receipt=ReceiptId(row["receipt"]) if row["receipt"] else None,
            outcome=row["outcome"],
            implicit=row["implicit"],
            assessment=tuple(text.pop("assessment", ())),
            own=bool(row["own"]),
            **{name: text.get(name, "") for name in FEEDBACK_TEXTS},
        )

    async def history(self, subject: str) -> list[dict[str, Any]]:
        """The events about a subject, oldest first: at, kind, agent and what the event itself recorded."""
        rows = await self._connection.rows("history", subject=subject)
        return [
            {"at": moment(row["at"]), "kind": row["kind"], "agent": row["agent"], **json.loads(row["body"])}
            for row in rows
        ]

    async def plan(self, plan: PlanId, *, agent: AgentName | None) -> Plan | None:
        """A plan, if it was ever made and `agent` may see all of its items; for None anybody's."""
        row = await self._connection.row("plan", id=plan, agent=agent)
        return None if row is None else plan_of(row)

    async def plan_that_merged(self, item: ItemId) -> Plan | None:
        """The plan by which the item was merged into another, if one did."""
        row = await self._connection.row("merge_plan", item=item)
        return None if row is None else plan_of(row)

    async def trust(self, item: ItemId) -> float:
        """How far an item that exists is trusted."""
        row = await self._connection.row("trust", id=item)
        assert row is not None
        return float(row["trust"])

    async def prunable(self, *, space: str, agent: AgentName, trust: float, contradictions: int) -> list[Item]:
        """Items below `trust` with that many reports against them, and those whose successor is active."""
        rows = await self._connection.rows(
            "prunable", space=space, agent=agent, trust=trust, contradictions=contradictions
        )
        ids = [ItemId(row["id"]) for row in rows]
        items = await self.items(ids, agent=agent)
        return [items[item] for item in ids if item in items]

    async def latest_event(self) -> EventId | None:
        """The newest event."""
        row = await self._connection.row("latest_event")
        return None if row is None else EventId(row["id"])
