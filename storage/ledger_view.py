"""Reading the ledger: rows become records. Used on the reading connection and inside a write transaction alike."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fleetlore.storage.database import Connection, Row
from fleetlore.storage.identifiers import FeedbackId, ItemId, PlanId, ReceiptId, StoreId
from fleetlore.storage.records import (
    AgentName,
    Census,
    Evidence,
    Feedback,
    Item,
    Plan,
    PlannedItem,
    Receipt,
    Shown,
    Space,
    Status,
    Verdict,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(value: int) -> datetime:
    """The aware time of that many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreInfo:
    """What the ledger says of itself: its id, the salt of its digests, the embedder, the spaces' generation."""

    id: StoreId
    salt: str
    embedder: str
    generation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedItem:
    """What a knowledge space holds of an item; `seq` orders items by when the ledger took them."""

    seq: int
    id: ItemId
    owner: str
    task_type: str
    tags: tuple[str, ...]
    insight: str
    applies_when: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Objection:
    """The report that spoke against an item, and its reasoning."""

    feedback: FeedbackId
    agent: AgentName
    reasoning: str


class LedgerView:
    """Questions to the ledger, answered in records."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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
        wanted = json.dumps(list(ids))
        rows = await self._connection.rows("items", ids=wanted, agent=agent, pruned=pruned)
        return {ItemId(row["id"]): _item(row) for row in rows}

    async def item(self, item: ItemId, *, agent: str, pruned: bool = False) -> Item | None:
        """One item, if it exists and `agent` may see it."""
        return (await self.items([item], agent=agent, pruned=pruned)).get(item)

    async def item_of_digest(self, space: Space, owner: str, digest: str) -> tuple[ItemId, PlanId | None] | None:
        """The item of that digest, and the plan that pruned it if one did."""
        row = await self._connection.row("item_of_digest", space=space, owner=owner, digest=digest)
        return None if row is None else (ItemId(row["id"]), PlanId(row["pruned_by"]) if row["pruned_by"] else None)

    async def newest_items(self, space: Space, *, agent: str, limit: int) -> list[Item]:
        """The newest items of a space that `agent` may see."""
        rows = await self._connection.rows("item_ids_of_space", space=space, agent=agent, limit=limit)
        ids = [ItemId(row["id"]) for row in rows]
        items = await self.items(ids, agent=agent)
        return [items[item] for item in ids if item in items]

    async def predecessors(self, ids: Iterable[ItemId]) -> list[ItemId]:
        """The items that any of `ids` superseded."""
        rows = await self._connection.rows("predecessors", ids=json.dumps(list(ids)))
        return [ItemId(row["id"]) for row in rows]

    async def living_ids(self, space: Space) -> set[ItemId]:
        """Every item of a space that is not pruned."""
        return {ItemId(row["id"]) for row in await self._connection.rows("living_ids", space=space)}

    async def living_after(self, space: Space, after: int, limit: int) -> list[IndexedItem]:
        """Items of a space in the ledger's order, beginning behind `after`, for filling a space."""
        rows = await self._connection.rows("living_after", space=space, after=after, limit=limit)
        return [_indexed(row) for row in rows]

    async def living_among(self, space: Space, ids: Iterable[ItemId]) -> list[IndexedItem]:
        """Those of `ids` that live in the space."""
        rows = await self._connection.rows("living_among", space=space, ids=json.dumps(list(ids)))
        return [_indexed(row) for row in rows]

    async def owns_items(self, agent: AgentName) -> bool:
        """Whether `agent` has prompt-specific items."""
        row = await self._connection.row("own_items", agent=agent)
        return row is not None and row["count"] > 0

    async def count(self, space: Space) -> int:
        """How many items live in the space."""
        row = await self._connection.row("count_of_space", space=space)
        return 0 if row is None else int(row["count"])

    async def receipt(self, receipt: ReceiptId) -> Receipt | None:
        """The receipt, if it was ever given."""
        row = await self._connection.row("receipt", id=receipt)
        if row is None:
            return None
        shown = tuple(Shown(item=ItemId(i), relevance=r, score=s) for i, r, s in json.loads(row["shown"]))
        return Receipt(
            id=ReceiptId(row["id"]),
            at=moment(row["at"]),
            agent=AgentName(row["agent"]),
            project=row["project"],
            task_type=row["task_type"],
            task=_content(row).get("task", ""),
            mode=row["mode"],
            shown=shown,
        )

    async def latest_receipt_showing(self, item: ItemId, *, agent: AgentName) -> ReceiptId | None:
        """The last of the agent's 1,000 latest receipts that showed it the item."""
        row = await self._connection.row("latest_receipt_showing", item=item, agent=agent)
        return None if row is None else ReceiptId(row["id"])

    async def answer_of_key(self, agent: AgentName, key: str) -> tuple[str, str] | None:
        """The digest of the request that came with this key, and the answer it was given."""
        row = await self._connection.row("feedback_of_key", agent=agent, key=key)
        return None if row is None else (row["request"], row["answer"])

    async def feedback(self, feedback: FeedbackId) -> Feedback | None:
        """One report as it was made."""
        row = await self._connection.row("feedback", id=feedback)
        if row is None:
            return None
        text = _content(row)
        return Feedback(
            id=FeedbackId(row["id"]),
            at=moment(row["at"]),
            agent=AgentName(row["agent"]),
            receipt=ReceiptId(row["receipt"]) if row["receipt"] else None,
            outcome=row["outcome"],
            assessment=tuple(text.pop("assessment", ())),
            **{name: text.get(name, "") for name in FEEDBACK_TEXTS},
        )

    async def verdict(self, item: ItemId, source: str) -> Verdict | None:
        """What that source last said of the item."""
        row = await self._connection.row("verdict", item=item, source=source)
        return None if row is None else _verdict(row)

    async def verdicts(self, item: ItemId) -> list[Verdict]:
        """What was said of the item, oldest first."""
        return [_verdict(row) for row in await self._connection.rows("verdicts", item=item)]

    async def latest_signs(self, item: ItemId) -> dict[AgentName, int]:
        """For each agent that named the item since it must be borne out, what it said last: +1 or -1."""
        rows = await self._connection.rows("latest_signs", item=item)
        return {AgentName(row["agent"]): row["sign"] for row in rows}

    async def agents(self) -> int:
        """How many agents this ledger has seen."""
        row = await self._connection.row("count_agents")
        return 0 if row is None else int(row["count"])

    async def objections(self, ids: Iterable[ItemId]) -> dict[ItemId, list[Objection]]:
        """The reports that named one of `ids` as harmful, latest first."""
        found: dict[ItemId, list[Objection]] = {}
        for row in await self._connection.rows("speaking_against", ids=json.dumps(list(ids))):
            objection = Objection(
                feedback=FeedbackId(row["feedback"]),
                agent=AgentName(row["agent"]),
                reasoning=_content(row).get("reasoning", ""),
            )
            found.setdefault(ItemId(row["item"]), []).append(objection)
        return found

    async def history(self, subject: str) -> list[dict[str, Any]]:
        """The events about a subject, oldest first: at, kind, agent and what the event itself recorded."""
        rows = await self._connection.rows("history", subject=subject)
        return [
            {"at": moment(row["at"]), "kind": row["kind"], "agent": row["agent"], **json.loads(row["body"])}
            for row in rows
        ]

    async def plan(self, plan: PlanId) -> Plan | None:
        """A prune plan, if it was ever made."""
        row = await self._connection.row("plan", id=plan)
        if row is None:
            return None
        items = tuple(
            PlannedItem(
                item=ItemId(entry["item"]),
                because=entry["because"],
                feedback=tuple(FeedbackId(feedback) for feedback in entry["feedback"]),
                stage=entry["stage"],
                trust=entry["trust"],
            )
            for entry in json.loads(row["items"])
        )
        return Plan(
            id=PlanId(row["id"]),
            at=moment(row["at"]),
            agent=AgentName(row["agent"]),
            reason=_content(row).get("reason", ""),
            items=items,
            applied_at=moment(row["applied_at"]) if row["applied_at"] is not None else None,
            undone_at=moment(row["undone_at"]) if row["undone_at"] is not None else None,
        )

    async def prunable(self, *, space: str, agent: AgentName, trust: float, contradictions: int) -> list[Item]:
        """Items below `trust` with that many reports against them, and those whose successor is active."""
        rows = await self._connection.rows(
            "prunable", space=space, agent=agent, trust=trust, contradictions=contradictions
        )
        ids = [ItemId(row["id"]) for row in rows]
        items = await self.items(ids, agent=agent)
        return [items[item] for item in ids if item in items]

    async def census(self) -> Census:
        """Counts over the whole ledger."""
        items: dict[tuple[Space, Status], int] = {}
        pruned = 0
        for row in await self._connection.rows("census_items"):
            if row["pruned"]:
                pruned += row["count"]
                continue
            status: Status = "superseded" if row["superseded"] else "contested" if row["contested"] else row["stage"]
            key: tuple[Space, Status] = (row["space"], status)
            items[key] = items.get(key, 0) + row["count"]
        [counts] = await self._connection.rows("census")
        return Census(items=items, pruned=pruned, **dict(counts))


FEEDBACK_TEXTS: Sequence[str] = ("task", "reasoning", "insight", "applies_when", "output", "expected")


def _content(row: Row) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(row["content"] or "{}")
    return content


def _list(text: str) -> tuple[str, ...]:
    return () if text == "[]" else tuple(json.loads(text))  # nearly all are empty, and a retrieval reads 150


def _item(row: Row) -> Item:
    content = _content(row)
    return Item(
        id=ItemId(row["id"]),
        space=row["space"],
        owner=row["owner"],
        kind=row["kind"],
        insight=content.get("insight", ""),
        applies_when=content.get("applies_when", ""),
        task_type=row["task_type"],
        project=row["project"],
        tags=_list(row["tags"]),
        author=AgentName(row["author"]),
        feedback=FeedbackId(row["feedback"]),
        digest=row["digest"],
        condition=row["condition"],
        stage=row["stage"],
        evidence=_evidence(row),
        created_at=moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
        superseded_by=ItemId(row["successor"]) if row["successor"] else None,
        conflicts_with=tuple(ItemId(other) for other in _list(row["conflicting"])),
        pruned_by=PlanId(row["pruned_by"]) if row["pruned_by"] else None,
    )


def _evidence(row: Mapping[str, Any] | Row) -> Evidence:
    return Evidence(
        trust=row["trust"],
        support=row["support"],
        contradiction=row["contradiction"],
        agents=row["agents"],
        projects=row["projects"],
    )


def _indexed(row: Row) -> IndexedItem:
    content = _content(row)
    return IndexedItem(
        seq=row["seq"],
        id=ItemId(row["id"]),
        owner=row["owner"],
        task_type=row["task_type"],
        tags=tuple(json.loads(row["tags"])),
        insight=content.get("insight", ""),
        applies_when=content.get("applies_when", ""),
    )


def _verdict(row: Row) -> Verdict:
    return Verdict(
        item=ItemId(row["item"]),
        source=row["source"],
        agent=AgentName(row["agent"]),
        project=row["project"],
        feedback=FeedbackId(row["feedback"]),
        at=moment(row["at"]),
        sign=row["sign"],
        direct=bool(row["direct"]),
        delta=row["delta"],
    )
