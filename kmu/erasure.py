"""Erasing for good, everywhere: rows, the searchable tables with their old versions, pages, the write-ahead log.

Unlike pruning it cannot be taken back. The ledger's rows go first, in one transaction with an event for each text; from
then on nobody is shown anything of it. Files follow. Only when nothing is left is the erasure said to be at its end, so
that a crash leaves an erasure that is pending, which `finish` brings to its end, and never one that is said to be done.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetlore.kmu.screening import screen_reason
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ItemId, PlanId, new_plan_id
from fleetlore.storage.ledger import Ledger, LedgerTransaction
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.rebuilding import rebuild
from fleetlore.storage.records import AgentName, Plan
from fleetlore.storage.texts import folded

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleetlore.storage.spaces import KnowledgeSpaces

LEAST_MATCH = 3
_KINDS = {"k": "items", "f": "reports", "r": "receipts", "p": "plans"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What to erase: everything of an agent, these items with what was said of them in words, or a text wherever it is.

    Exactly one of them is named.
    """

    agent: AgentName | None = None
    items: tuple[ItemId, ...] = ()
    text: str = ""

    @property
    def kind(self) -> str:
        """Which of them it is, in one word."""
        return "agent" if self.agent else "item" if self.items else "match"


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What an erasure takes: texts by their subject, and how many labels (projects, task types, tags, keys)."""

    texts: dict[str, list[str]]
    labels: int

    @property
    def counts(self) -> dict[str, int]:
        """How many texts of each kind."""
        kinds = Counter(subject.partition("_")[0] for subject in self.texts)
        return {name: kinds[prefix] for prefix, name in _KINDS.items()} | {"labels": self.labels}


@dataclass(frozen=True, kw_only=True, slots=True)
class Erasure:
    """An erasure under way: its plan has the reason, its events what was erased."""

    plan: PlanId
    found: Found


def check(target: Target, reason: str) -> None:
    """Raises `Refusal` for what cannot be text, and for a reason that says again what is to be erased."""
    for argument, text in (("match", target.text), ("reason", reason)):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Refusal(argument, "it is not in UTF-8", "Give it in UTF-8") from None
    if target.text and folded(target.text.strip()) in folded(reason):
        raise Refusal("reason", "it holds the text that is to be erased, and is kept", "Word it without that text")


async def find(view: LedgerView, target: Target) -> Found:
    """What of the target there still is. Raises `Refusal` for an item that never was."""
    subjects, labels = await _concerned(view, target)
    texts = await view.texts_among(subjects)
    items = [subject for subject in texts if subject.startswith("k_")]
    return Found(texts=texts | await view.texts_among(await view.plans_wording(items)), labels=labels)


async def begin(ledger: Ledger, target: Target, *, agent: AgentName, reason: str) -> Erasure:
    """Takes the target's texts out of the ledger's rows: from now on nobody is shown anything of them."""
    reason = await screen_reason(reason)

    async def erase(transaction: LedgerTransaction) -> Erasure:
        found = await find(transaction, target)
        plan = Plan(
            id=new_plan_id(transaction.now),
            at=transaction.now,
            agent=agent,
            reason=reason,
            items=(),
            kind="forget",
            applied_at=transaction.now,
        )
        await transaction.add_plan(plan)
        label = folded(target.text.strip()) if found.labels else ""
        await transaction.erase(list(found.texts), label=label, plan=plan.id, agent=agent)
        await transaction.record(
            "forgotten", agent=agent, subject=plan.id, by=target.kind, target=_named(ledger, target), **found.counts
        )
        return Erasure(plan=plan.id, found=found)

    return await ledger.write(erase)


async def finish(
    ledger: Ledger,
    spaces: KnowledgeSpaces,
    plan: PlanId,
    *,
    agent: AgentName,
    progress: Callable[[int], None],
) -> bool:
    """Takes out of every file what is in no row any more; whoever calls holds the maintenance lock.

    `progress` is told how many items were copied. False where another process keeps an older state of the ledger: then
    it has to be called again.
    """
    await rebuild(ledger, spaces, progress)
    async with spaces.writing():
        await spaces.keep_only({spaces.generation})
    if not await ledger.purge():
        return False

    async def end(transaction: LedgerTransaction) -> None:
        await transaction.end_erasure()
        await transaction.record("purged", agent=agent, subject=plan)

    await ledger.write(end)
    return True


async def _concerned(view: LedgerView, target: Target) -> tuple[list[str], int]:
    if target.agent is not None:
        return await view.texts_of_agent(target.agent), 0
    if target.items:
        subjects = await view.texts_of_items(target.items)
        unknown = next((item for item in target.items if item not in subjects), None)
        if unknown is not None:
            raise Refusal("item", f"there is no item {unknown}", "'fleetlore search' finds items, whose ids are k_…")
        return subjects, 0
    text = folded(target.text.strip())
    if len(text) < LEAST_MATCH:
        raise Refusal("match", f"it is shorter than {LEAST_MATCH} characters", "Name more of the text")
    return await view.texts_holding(text), await view.labels_holding(text)


def _named(ledger: Ledger, target: Target) -> object:
    """The target as events may hold it: never in words."""
    if target.agent is not None:
        return target.agent
    return list(target.items) or ledger.digest("forgotten", folded(target.text.strip()))
