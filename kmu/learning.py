"""Learning: from a report to evidence, a lesson and an acknowledgement.

The ledger's transaction is all that a report waits for, and decides races between processes; the knowledge spaces
follow it (`storage.reconciliation`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fleetlore.kmu import crediting, foresight
from fleetlore.kmu.alignment import Alignment, Corroborated, Merged, Rejected, Returned
from fleetlore.kmu.control import admits
from fleetlore.kmu.evidence import CREDIBLE, Neighbour, Weighing, living, weigh
from fleetlore.kmu.feedback_agents import assess
from fleetlore.kmu.following import follow
from fleetlore.kmu.implicit import retract
from fleetlore.kmu.lesson import align_lesson, draft_of, store_lesson
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.reliability import slip_after
from fleetlore.kmu.report import Acknowledgement, Report
from fleetlore.kmu.screening import screen_report
from fleetlore.kmu.standing import refuse_withdrawn
from fleetlore.kmu.submission import Charge, Submission
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import new_feedback_id
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import Feedback, Receipt

if TYPE_CHECKING:
    from fleetlore.storage.ledger import Ledger, LedgerTransaction


async def learn(ledger: Ledger, report: Report, *, policy: Policy) -> Acknowledgement:
    """Takes a report.

    Raises `Refusal`, with nothing stored.
    """
    report, redacted = await screen_report(report)
    request = ledger.digest(report.canonical())
    found = await ledger.snapshot(
        lambda view: _submitted(ledger, view, report, request=request, redacted=redacted, policy=policy)
    )
    if isinstance(found, Acknowledgement):
        return found
    return await ledger.write(lambda transaction: _commit(transaction, found))


async def _submitted(
    ledger: Ledger, view: LedgerView, report: Report, *, request: str, redacted: int, policy: Policy
) -> Acknowledgement | Submission:
    """What the report was answered before; else all that it takes to decide on it."""
    if earlier := await _answered(view, report, request):
        return earlier
    await refuse_withdrawn(view, report.agent)
    report, receipt, own = await _completed(view, report)
    assessment = assess(
        report.outcome,
        output=report.output,
        expected=report.expected,
        helpful=report.helpful,
        harmful=report.harmful,
        reasoning=report.reasoning,
    )
    charges = await crediting.charges(view, report, receipt, assessment.outcome) if policy.learning else []
    return Submission(
        report=report,
        assessment=assessment,
        charges=tuple(charges),
        draft=draft_of(ledger, report),
        receipt=receipt,
        own=own,
        near=dict(receipt.near) if receipt and policy.learning else {},
        request=request,
        required=policy.promote_after,
        redacted=redacted,
    )


async def _answered(view: LedgerView, report: Report, request: str) -> Acknowledgement | None:
    if not report.key or (known := await view.answer_of_key(report.agent, report.key)) is None:
        return None
    if known[0] != request:
        raise Refusal("key", "it was used before with other content", "Use a new key for a new report")
    return Acknowledgement.loaded(known[1])


async def _completed(view: LedgerView, report: Report) -> tuple[Report, Receipt | None, bool]:
    """The report with what its receipt knows, the receipt, and whether it tells of what is only its agent's own."""
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
    own = any(item.space == "prompt" for item in named.values()) or (bool(report.insight) and report.target == "prompt")
    if receipt is None:
        return replace(report, project=report.project or report.workplace), None, own
    completed = replace(
        report, project=report.project or receipt.project, task_type=report.task_type or receipt.task_type
    )
    return completed, receipt, own


async def _commit(transaction: LedgerTransaction, submission: Submission) -> Acknowledgement:
    report, assessment = submission.report, submission.assessment
    if earlier := await _answered(transaction, report, submission.request):
        return earlier
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
        own=submission.own,
    )
    await refuse_withdrawn(transaction, report.agent)
    await transaction.saw(report.agent)
    submission = await follow(transaction, submission)
    report = submission.report
    if report.receipt is not None:
        await retract(transaction, report.receipt)
    alignment = await align_lesson(transaction, submission) if report.insight else None
    weighing = await _weigh(transaction, submission, alignment)
    booked = await crediting.apply(transaction, submission, feedback, submission.charges, weighing)
    await _experience(transaction, submission, feedback, alignment, weighing, booked)
    if alignment and not admits(credit=weighing.credit, slip=weighing.slip):
        alignment = Rejected(because="what this agent reports is hardly ever borne out, and nobody else says this")
    learned = await store_lesson(transaction, submission, feedback, alignment, weighing) if alignment else None
    answer = Acknowledgement(
        feedback=feedback.id,
        outcome=assessment.outcome,
        learned=(learned,) if learned else (),
        credited=tuple(charge.item for charge in booked if charge.sign > 0),
        blamed=tuple(charge.item for charge in booked if charge.sign < 0),
        redacted=submission.redacted,
    )
    if report.receipt is not None:
        await transaction.answer_receipt(report.receipt)
    await transaction.add_feedback(feedback, key=report.key, request=submission.request, answer=answer.dumped())
    await transaction.record(
        "feedback",
        agent=report.agent,
        subject=feedback.id,
        receipt=report.receipt,
        outcome=assessment.outcome,
        credited=answer.credited,
        blamed=answer.blamed,
        named=any(charge.direct for charge in booked),
        sources={charge.item: charge.source for charge in booked if charge.source != report.receipt},
        expected=round(weighing.expected, 3),
        credit=round(weighing.credit, 3),
    )
    return answer


async def _experience(
    transaction: LedgerTransaction,
    submission: Submission,
    feedback: Feedback,
    alignment: Alignment | None,
    weighing: Weighing,
    booked: Sequence[Charge],
) -> None:
    """Books what the report teaches of reports: who blames which lessons, which live, and whether it was foreseen."""
    known = alignment.item if isinstance(alignment, Corroborated | Returned) else None
    item = await transaction.item(known, agent=feedback.agent, pruned=True) if known else None
    lesson = submission.draft.lesson if submission.draft and submission.report.target == "general" else ""
    # Nobody vouches for himself: saying the same of the same once more is no news.
    asserted = lesson if weighing.credit >= CREDIBLE and (item is None or item.author != feedback.agent) else ""
    blamed, revived = await crediting.blame(transaction, feedback, booked, asserted)
    experience = weighing.experience
    experience = replace(experience, blamed=experience.blamed + blamed, revived=experience.revived + revived)
    receipt = submission.receipt
    word = receipt.control if receipt and receipt.shown and not receipt.answered else {}
    if word and feedback.outcome != "observation":
        experience = foresight.learnt(
            experience,
            prospect=word["states"]["prospect"],
            foreseen=word["expected"],
            success=feedback.outcome == "success",
        )
    await transaction.set_experience(experience)


async def _weigh(transaction: LedgerTransaction, submission: Submission, alignment: Alignment | None) -> Weighing:
    """Weighs the report against its neighbours, and books what that says of them, of the agent, and of reports."""
    report, draft = submission.report, submission.draft
    slip = await crediting.slip_of(transaction, report.agent)
    experience = await transaction.experience()
    named = {charge.item for charge in submission.charges if charge.direct}
    if isinstance(alignment, Corroborated | Merged):
        named.add(alignment.item)
    teaches = draft is not None and report.target == "general"
    repeated = (
        report.receipt is not None and draft is not None and await transaction.brought(report.receipt, draft.lesson)
    )
    lessons = await transaction.lessons(submission.near) if teaches and not repeated else {}
    alone = await transaction.agents() <= 1
    weighing = weigh(
        draft.lesson if draft else "",
        {
            item: Neighbour(
                relevance=submission.near[item],
                trust=said.trust,
                lesson=said.lesson,
                others=alone or said.author != report.agent,
                contradicts=draft is not None
                and bool(draft.slot)
                and said.slot == draft.slot
                and said.lesson != draft.lesson,
                living=living(said.blames, experience),
            )
            for item, said in lessons.items()
        },
        slip=slip,
        outcome=submission.assessment.outcome,
        exclusive=draft is not None and bool(draft.slot),
        named=named,
        experience=experience,
    )
    if teaches and not repeated:
        await transaction.shift_trust(weighing.trusts)
        # Alone, nobody could vouch: the silence of others says nothing of the agent.
        if submission.assessment.outcome != "observation" and not alone:
            await transaction.set_slip(report.agent, slip_after(slip, weighing.borne_out))
    return weighing if teaches and not repeated else replace(weighing, experience=experience)
