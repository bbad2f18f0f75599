"""Learning: from a report to evidence, a lesson and an acknowledgement.

The row in the knowledge space is added first and the ledger commits second: what a crash leaves between the two is an
orphan row, which does not exist for anybody. Races between processes are decided inside the ledger's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from fleetlore.kmu import crediting, evidence
from fleetlore.kmu.alignment import (
    Alignment,
    Conflict,
    Corroborated,
    New,
    Rejected,
    Returned,
    Superseding,
    align,
    sameness,
)
from fleetlore.kmu.crediting import Charge
from fleetlore.kmu.feedback_agents import Assessment, assess, kind_of
from fleetlore.kmu.report import Acknowledgement, Decision, Learned, Report
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ItemId, new_feedback_id, new_item_id
from fleetlore.storage.intake import Intake
from fleetlore.storage.ledger import Ledger, LedgerTransaction
from fleetlore.storage.ledger_view import IndexedItem, LedgerView
from fleetlore.storage.reconciliation import align as align_space
from fleetlore.storage.records import Evidence, Feedback, Item, Receipt, Status

if TYPE_CHECKING:
    from fleetlore.storage.spaces import KnowledgeSpaces


@dataclass(frozen=True, kw_only=True, slots=True)
class _Draft:
    """The item that a report's insight would be if nothing like it is known."""

    id: ItemId
    digest: str
    condition: str
    applies_when: str


async def learn(
    ledger: Ledger, spaces: KnowledgeSpaces, intake: Intake, report: Report, *, required: int
) -> Acknowledgement:
    """Takes a report. `required` is how many other agents must bear an item out before it is active.

    Raises `Refusal`, with nothing stored.
    """
    request = ledger.digest(report.canonical())
    if earlier := await _answered(ledger.read, report, request):
        return earlier
    report, receipt = await _completed(ledger.read, report)
    assessment = assess(
        report.outcome,
        output=report.output,
        expected=report.expected,
        helpful=report.helpful,
        harmful=report.harmful,
        reasoning=report.reasoning,
    )
    made = await crediting.charges(ledger.read, report, receipt, assessment.outcome)
    draft = _draft(ledger, report, ledger.clock())
    if draft is not None and await ledger.read.item_of_digest(report.target, report.owner, draft.digest) is None:
        await intake.take(report.target, _row(report, draft))
    acknowledgement, alignment = await ledger.write(
        lambda transaction: _commit(transaction, report, assessment, made, draft, request, required)
    )
    if isinstance(alignment, Returned):
        await align_space(ledger, spaces, report.target, [alignment.item])  # pruning took its row out
    return acknowledgement


async def _answered(view: LedgerView, report: Report, request: str) -> Acknowledgement | None:
    if not report.key or (known := await view.answer_of_key(report.agent, report.key)) is None:
        return None
    if known[0] != request:
        raise Refusal("key", "it was used before with other content", "Use a new key for a new report")
    return Acknowledgement.loaded(known[1])


async def _completed(view: LedgerView, report: Report) -> tuple[Report, Receipt | None]:
    """The report with what its receipt knows, and the receipt."""
    if report.replaces and not report.insight:
        raise Refusal("replaces", "it needs the insight that takes their place", "State the insight, or use harmful")
    receipt = await crediting.receipt_of(view, report)
    named = await crediting.items_named(view, report)
    for item in report.replaces:
        if named[item].space != report.target:
            raise Refusal(
                "replaces",
                f"{item} is in the {named[item].space} space and the insight goes into the {report.target} one",
                "Replace an item by one of its own space",
            )
    if receipt is None:
        return replace(report, project=report.project or report.workplace), None
    completed = replace(
        report, project=report.project or receipt.project, task_type=report.task_type or receipt.task_type
    )
    return completed, receipt


def _draft(ledger: Ledger, report: Report, now: datetime) -> _Draft | None:
    if not report.insight:
        return None
    applies_when = report.applies_when or report.task
    insight, condition, task_type = sameness(report.target, report.insight, applies_when, report.task_type)
    if not insight:
        return None
    return _Draft(
        id=new_item_id(now),
        digest=ledger.digest("item", insight, condition, task_type),
        condition=ledger.digest("condition", condition),
        applies_when=applies_when,
    )


def _row(report: Report, draft: _Draft) -> IndexedItem:
    return IndexedItem(
        seq=0,
        id=draft.id,
        owner=report.owner,
        task_type=report.task_type,
        tags=report.tags,
        insight=report.insight,
        applies_when=draft.applies_when,
    )


async def _commit(
    transaction: LedgerTransaction,
    report: Report,
    assessment: Assessment,
    made: list[Charge],
    draft: _Draft | None,
    request: str,
    required: int,
) -> tuple[Acknowledgement, Alignment | None]:
    if earlier := await _answered(transaction, report, request):
        return earlier, None
    feedback = Feedback(
        id=new_feedback_id(transaction.now),
        at=transaction.now,
        agent=report.agent,
        receipt=report.receipt,
        outcome=assessment.outcome,
        task=report.task,
        reasoning=report.reasoning,
        insight=report.insight,
        applies_when=report.applies_when,
        output=report.output,
        expected=report.expected,
        assessment=assessment.sentences,
    )
    await transaction.saw(report.agent)
    booked = await crediting.apply(transaction, report, feedback.id, made, required=required)
    alignment = await _align(transaction, report, draft) if report.insight else None
    learned = await _store(transaction, report, feedback, draft, alignment, required) if alignment else None
    answer = Acknowledgement(
        feedback=feedback.id,
        outcome=assessment.outcome,
        learned=(learned,) if learned else (),
        credited=tuple(charge.item for charge in booked if charge.sign > 0),
        blamed=tuple(charge.item for charge in booked if charge.sign < 0),
    )
    if report.receipt is not None:
        await transaction.answer_receipt(report.receipt)
    await transaction.add_feedback(feedback, key=report.key, request=request, answer=answer.dumped())
    await transaction.record(
        "feedback",
        agent=report.agent,
        subject=feedback.id,
        receipt=report.receipt,
        outcome=assessment.outcome,
        request=request,
        credited=answer.credited,
        blamed=answer.blamed,
    )
    return answer, alignment


async def _align(transaction: LedgerTransaction, report: Report, draft: _Draft | None) -> Alignment:
    named = await transaction.items(report.harmful, agent=report.agent)
    return align(
        insight=report.insight,
        condition=draft.condition if draft else "",
        same=await transaction.item_of_digest(report.target, report.owner, draft.digest) if draft else None,
        replaces=report.replaces,
        harmful=[item for item in named.values() if item.space == report.target],
    )


async def _store(
    transaction: LedgerTransaction,
    report: Report,
    feedback: Feedback,
    draft: _Draft | None,
    alignment: Alignment,
    required: int,
) -> Learned:
    match alignment:
        case Rejected(because=because):
            return Learned(id="", space=report.target, status="", decision="rejected", because=because)
        case Corroborated(item=item):
            known = await _back(transaction, report, feedback, item, required)
        case Returned(item=item, plan=plan):
            before = await transaction.item(item, agent=report.agent, pruned=True)
            assert before is not None
            trust = min(before.evidence.trust, evidence.credit(feedback.outcome))
            await transaction.set_pruned(item, None)
            await transaction.bear_out_anew(item)
            await transaction.set_trust(item, trust)
            await transaction.record("returned", agent=report.agent, subject=item, plan=plan, trust=trust)
            known = await _back(transaction, report, feedback, item, required)
        case New() | Superseding() | Conflict():
            assert draft is not None
            known = draft.id
            await _add(transaction, report, feedback, draft)
            if isinstance(alignment, Conflict):
                for other in alignment.others:
                    await transaction.add_conflict(known, other, feedback)
    await _supersede(transaction, report, known)
    item_now = await transaction.item(known, agent=report.agent)
    assert item_now is not None
    decision, because = _explained(alignment, report, item_now.status)
    await transaction.record(decision, agent=report.agent, subject=known, feedback=feedback.id)
    return Learned(id=known, space=report.target, status=item_now.status, decision=decision, because=because)


async def _add(transaction: LedgerTransaction, report: Report, feedback: Feedback, draft: _Draft) -> None:
    item = Item(
        id=draft.id,
        space=report.target,
        owner=report.owner,
        kind=kind_of(report.insight, report.kind, feedback.outcome),
        insight=report.insight,
        applies_when=draft.applies_when,
        task_type=report.task_type,
        project=report.project,
        tags=report.tags,
        author=report.agent,
        feedback=feedback.id,
        digest=draft.digest,
        condition=draft.condition,
        stage="active" if report.target == "prompt" else "provisional",
        evidence=Evidence(trust=evidence.credit(feedback.outcome)),
        created_at=transaction.now,
        updated_at=transaction.now,
    )
    await transaction.add_item(item)
    await transaction.put_verdict(crediting.origin(report, feedback, item.id))


async def _back(
    transaction: LedgerTransaction, report: Report, feedback: Feedback, item: ItemId, required: int
) -> ItemId:
    """An equal insight is a direct report for the item, unless that report has named the item already."""
    if item in (*report.helpful, *report.harmful):
        return item
    charge = Charge(item=item, source=report.receipt or feedback.id, sign=1, direct=True, relevance=1.0, share=0.0)
    await crediting.apply(transaction, report, feedback.id, [charge], required=required)
    return item


async def _supersede(transaction: LedgerTransaction, report: Report, successor: ItemId) -> None:
    replaced = [item for item in report.replaces if item != successor]
    if replaced:
        await transaction.supersede(successor, None)  # what takes another's place is not itself outdated
    for item in replaced:
        await transaction.supersede(item, successor)
        await transaction.record("superseded", agent=report.agent, subject=item, successor=successor)


def _explained(alignment: Alignment, report: Report, status: Status) -> tuple[Decision, str]:
    waiting = "" if status == "active" else " It is provisional until other agents' outcomes bear it out."
    match alignment:
        case Corroborated():
            return "corroborated", "The same insight under the same condition is known; your report backs it."
        case Returned():
            return "new", "An equal insight was pruned before; it is back, as provisional only."
        case Superseding(replaced=replaced):
            return "superseding", f"It takes the place of {', '.join(replaced)}.{waiting}"
        case Conflict(others=others):
            return "conflict", f"It contradicts {', '.join(others)} under the same condition; both are kept, marked."
        case _:
            return "new", f"Nothing equal was known.{waiting}"
