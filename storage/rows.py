"""From the ledger's rows to records."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from fleetlore.storage.connection import Row
from fleetlore.storage.identifiers import FeedbackId, ItemId, PlanId, StoreId
from fleetlore.storage.records import AgentName, Evidence, Factors, Item, Shown, Verdict
from fleetlore.storage.redaction import SCREENING, redact_all

ValueT = TypeVar("ValueT")

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """What an item says and how far it is trusted, for weighing many at once."""

    lesson: str
    slot: str
    author: AgentName
    trust: float
    blames: int


FEEDBACK_TEXTS: Sequence[str] = ("task", "reasoning", "insight", "applies_when", "output", "expected")


def content_of(row: Row) -> dict[str, Any]:
    """The free text that belongs to a row; empty where it was erased.

    What an earlier version has stored is looked through for secrets here, where every text leaves the ledger.
    """
    content: dict[str, Any] = json.loads(row["content"] or "{}")
    return as_screened(row, content)


def as_screened(row: Row, value: ValueT) -> ValueT:
    """A value of a row that has content, without what the present screening for secrets takes out."""
    if row["content"] is None or row["screened"] >= SCREENING:
        return value
    screened: ValueT = redact_all(value)
    return screened


def list_of(text: str) -> tuple[str, ...]:
    """A JSON list of strings."""
    return () if text == "[]" else tuple(json.loads(text))  # nearly all are empty, and a retrieval reads 150


def item_of(row: Row) -> Item:
    """A row of the query `items`."""
    content = content_of(row)
    return Item(
        id=ItemId(row["id"]),
        space=row["space"],
        owner=row["owner"],
        kind=row["kind"],
        insight=content.get("insight", ""),
        applies_when=content.get("applies_when", ""),
        task_type=as_screened(row, row["task_type"]),
        project=as_screened(row, row["project"]),
        tags=list_of(as_screened(row, row["tags"])),
        author=AgentName(row["author"]),
        feedback=FeedbackId(row["feedback"]),
        digest=row["digest"],
        condition=row["condition"],
        lesson=row["lesson"],
        slot=row["slot"],
        stage=row["stage"],
        evidence=evidence_of(row),
        created_at=moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
        superseded_by=ItemId(row["successor"]) if row["successor"] else None,
        conflicts_with=tuple(ItemId(other) for other in list_of(row["conflicting"])),
        pruned_by=PlanId(row["pruned_by"]) if row["pruned_by"] else None,
        gist=row["gist"],
        merged_into=ItemId(row["merged_into"]) if row["merged_into"] else None,
        similar_to=tuple(ItemId(other) for other in list_of(row["similar"])),
        blames=row["blames"],
        flags=tuple(row["flags"].split()),
    )


def evidence_of(row: Mapping[str, Any] | Row) -> Evidence:
    """The evidence in an item's row."""
    return Evidence(
        trust=row["trust"],
        support=row["support"],
        contradiction=row["contradiction"],
        agents=row["agents"],
        projects=row["projects"],
    )


def indexed_of(row: Row) -> IndexedItem:
    """A row of the queries `living_…`."""
    content = content_of(row)
    return IndexedItem(
        seq=row["seq"],
        id=ItemId(row["id"]),
        owner=row["owner"],
        task_type=as_screened(row, row["task_type"]),
        tags=list_of(as_screened(row, row["tags"])),
        insight=content.get("insight", ""),
        applies_when=content.get("applies_when", ""),
    )


def verdict_of(row: Mapping[str, Any] | Row) -> Verdict:
    """A row of the query `verdict`."""
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
        implicit=bool(row["implicit"]),
    )


def row_of_verdict(verdict: Verdict) -> dict[str, object]:
    """The inverse of `verdict_of`."""
    return {
        "item": verdict.item,
        "source": verdict.source,
        "agent": verdict.agent,
        "project": verdict.project,
        "feedback": verdict.feedback,
        "at": microseconds(verdict.at),
        "sign": verdict.sign,
        "direct": verdict.direct,
        "delta": verdict.delta,
        "implicit": verdict.implicit,
    }


def shown_as_row(shown: Shown) -> list[object]:
    """A line of a receipt as the ledger keeps it: short, as every retrieval writes some."""
    line: list[object] = [shown.item, shown.relevance, shown.score]
    if (counted := shown.factors) is not None:
        line += [counted.trust, counted.agreement, counted.discount, counted.status]
        line += [counted.support, counted.contradiction]
    return line


def shown_of(line: Sequence[Any]) -> Shown:
    """The inverse of `shown_as_row`."""
    item, relevance, score, *counted = line
    if not counted:
        return Shown(item=ItemId(item), relevance=relevance, score=score)
    trust, agreement, discount, status, support, contradiction = counted
    factors = Factors(
        trust=trust,
        agreement=agreement,
        discount=discount,
        status=status,
        support=support,
        contradiction=contradiction,
    )
    return Shown(item=ItemId(item), relevance=relevance, score=score, factors=factors)
