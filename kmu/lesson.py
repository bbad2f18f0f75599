"""A lesson on its way into the memory: drafted, aligned with what is known, stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetlore.kmu import acts, crediting
from fleetlore.kmu.alignment import (
    Alignment,
    Conflict,
    Corroborated,
    Merged,
    New,
    Rejected,
    Returned,
    Superseding,
    align,
    sameness,
)
from fleetlore.kmu.digests import digests_of
from fleetlore.kmu.feedback_agents import kind_of
from fleetlore.kmu.report import Decision, Learned, Report
from fleetlore.kmu.submission import Charge, Draft, Submission
from fleetlore.kmu.suspicion import JUDGEMENT, flags_of, held_because
from fleetlore.storage.identifiers import ItemId, PlanId, new_item_id, new_plan_id
from fleetlore.storage.records import Evidence, Feedback, Item, Plan, PlannedItem

if TYPE_CHECKING:
    from fleetlore.kmu.evidence import Weighing
    from fleetlore.storage.ledger import Ledger, LedgerTransaction


def draft_of(ledger: Ledger, report: Report) -> Draft | None:
    """The item that a report's insight would be; None where it states none."""
    if not report.insight:
        return None
    applies_when = report.applies_when or report.task
    insight, condition, task_type = sameness(report.target, report.insight, applies_when, report.task_type)
    if not insight:
        return None
    return Draft(
        id=new_item_id(ledger.clock()),
        applies_when=applies_when,
        flags=flags_of(
            report.insight,
            applies_when,
            report.task_type,
            report.project,
            *report.tags,
            beside=report.reasoning,
        ),
        **digests_of(ledger.info, insight, condition, task_type, report.insight),
    )


async def align_lesson(transaction: LedgerTransaction, submission: Submission) -> Alignment:
    """What the insight is to what is known, inside the transaction: of two processes the second corroborates.

    What is held takes nobody's place and contests nothing until a person has looked at it.
    """
    report, draft = submission.report, submission.draft
    held = draft is not None and bool(draft.flags)
    named = await transaction.items(() if held else report.harmful, agent=report.agent)
    return align(
        insight=report.insight,
        condition=draft.condition if draft else "",
        same=await transaction.item_of_digest(report.target, report.owner, draft.digest) if draft else None,
        of_gist=await transaction.item_of_gist(report.target, report.owner, draft.gist) if draft else None,
        replaces=() if held else report.replaces,
        harmful=[item for item in named.values() if item.space == report.target],
    )


async def store_lesson(
    transaction: LedgerTransaction,
    submission: Submission,
    feedback: Feedback,
    alignment: Alignment,
    weighing: Weighing,
) -> Learned:
    """Stores the insight as its alignment says."""
    report = submission.report
    taken_by: PlanId | None = None
    match alignment:
        case Rejected(because=because):
            return Learned(id="", space=report.target, status="", decision="rejected", because=because)
        case Corroborated(item=item):
            known = await _back(transaction, submission, feedback, item, weighing)
        case Merged(item=item):
            known = item
            taken_by = await _merge(transaction, submission, feedback, item, weighing)
        case Returned(item=item, plan=plan):
            before = await transaction.item(item, agent=report.agent, pruned=True)
            assert before is not None
            trust = min(before.evidence.trust, weighing.credit)
            await transaction.set_pruned(item, None)
            await transaction.bear_out_anew(item)
            await transaction.set_trust(item, trust)
            if await transaction.withdrawn_by(before.author) is not None:
                await transaction.pass_on(item, report.agent, feedback.id)
            await transaction.record("returned", agent=report.agent, subject=item, plan=plan, trust=trust)
            known = await _back(transaction, submission, feedback, item, weighing)
        case New() | Superseding() | Conflict():
            assert submission.draft is not None
            known = submission.draft.id
            await _add(transaction, report, feedback, submission.draft, weighing)
            if isinstance(alignment, Conflict):
                for other in alignment.others:
                    await transaction.add_conflict(known, other, feedback.id)
    item_now = await transaction.item(known, agent=report.agent)
    assert item_now is not None
    if report.replaces and not item_now.flags:  # what is held takes nobody's place
        await _supersede(transaction, report, known)
        item_now = await transaction.item(known, agent=report.agent)
        assert item_now is not None
    decision, because = _explained(alignment, item_now, taken_by)
    await transaction.record(decision, agent=report.agent, subject=known, feedback=feedback.id)
    return Learned(id=known, space=report.target, status=item_now.status, decision=decision, because=because)


async def _add(
    transaction: LedgerTransaction, report: Report, feedback: Feedback, draft: Draft, weighing: Weighing
) -> None:
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
        lesson=draft.lesson,
        slot=draft.slot,
        gist=draft.gist,
        stage="active" if report.target == "prompt" and not draft.flags else "provisional",
        evidence=Evidence(trust=weighing.credit),
        created_at=transaction.now,
        updated_at=transaction.now,
        flags=draft.flags,
    )
    await transaction.add_item(item, judgement=JUDGEMENT)
    await transaction.put_verdict(crediting.origin(report, feedback, item.id))


async def _back(
    transaction: LedgerTransaction, submission: Submission, feedback: Feedback, item: ItemId, weighing: Weighing
) -> ItemId:
    """An equal insight is a direct report for the item, unless that report has named the item already."""
    if item in (*submission.report.helpful, *submission.report.harmful):
        return item
    source = crediting.source_of(submission.report)
    charge = Charge(item=item, source=source, sign=1, direct=True, relevance=1.0, share=0.0)
    await crediting.apply(transaction, submission, feedback, [charge], weighing)
    return item


async def _merge(
    transaction: LedgerTransaction, submission: Submission, feedback: Feedback, survivor: ItemId, weighing: Weighing
) -> PlanId:
    """Another wording of a known lesson backs it, and is kept as an item that a plan has merged away."""
    report, draft = submission.report, submission.draft
    assert draft is not None
    source = crediting.source_of(report)
    await _add(transaction, report, feedback, draft, weighing)
    earlier = await transaction.verdict(survivor, source)
    before = await transaction.item(survivor, agent=report.agent)
    await _back(transaction, submission, feedback, survivor, weighing)
    held, after = await transaction.verdict(survivor, source), await transaction.item(survivor, agent=report.agent)
    assert before is not None
    assert after is not None
    lent = held != earlier
    plan = new_plan_id(transaction.now)
    line = PlannedItem(
        item=draft.id,
        because=f"the same lesson as {survivor} in other words",
        feedback=(feedback.id,),
        stage=before.stage,
        trust=weighing.credit,
        act="merge",
        other=survivor,
        lent=(source,) if lent else (),
        displaced=(earlier,) if lent and earlier is not None else (),
    )
    await acts.merge(transaction, draft.id, survivor, plan, agent=report.agent)
    await transaction.add_plan(
        Plan(
            id=plan,
            at=transaction.now,
            agent=report.agent,
            reason="merged",
            kind="merge",
            items=(line, *acts.stage_change(survivor, before.stage, after.stage)),
            applied_at=transaction.now,
        )
    )
    return plan


async def _supersede(transaction: LedgerTransaction, report: Report, successor: ItemId) -> None:
    replaced = [item for item in report.replaces if item != successor]
    if replaced:
        await transaction.supersede(successor, None)  # what takes another's place is not itself outdated
    for item in replaced:
        await transaction.supersede(item, successor)
        await transaction.record("superseded", agent=report.agent, subject=item, successor=successor)


def _explained(
    alignment: New | Corroborated | Merged | Returned | Superseding | Conflict, item: Item, plan: PlanId | None
) -> tuple[Decision, str]:
    waiting = "" if item.status == "active" else " It is provisional until other agents' outcomes bear it out."
    if item.flags:
        waiting = f" {held_because(item.flags)}"
    match alignment:
        case Corroborated():
            because = "The same insight under the same condition is known; your report backs it."
            return "corroborated", because + (waiting if item.flags else "")
        case Merged():
            because = "The same lesson is known in other words; your report backs it and your wording is kept with it."
            return "merged", f"{because} To keep them apart: prune with undo={plan}."
        case Returned():
            return "new", "An equal insight was pruned before; it is back, as provisional only." + (
                waiting if item.flags else ""
            )
        case Superseding(replaced=replaced):
            return "superseding", f"It takes the place of {', '.join(replaced)}.{waiting}"
        case Conflict(others=others):
            return "conflict", f"It contradicts {', '.join(others)} under the same condition; both are kept, marked."
        case New():
            return "new", f"Nothing equal was known.{waiting}"
