"""Implicit outcomes: how a task went as a hook or a script saw it, as long as the agent has not said so itself.

Such an outcome is shared out among the items that the receipt showed, like a report that names none, but counts less.
It answers no receipt; when the agent answers, its own word takes the place of everything that was seen. It bears
nothing out: no count, stage or slip rate, and nothing that is learnt of reports, changes by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from fleetlore.kmu import crediting
from fleetlore.kmu.evidence import CONSTANTS, Constants, moved
from fleetlore.kmu.feedback_agents import Assessment
from fleetlore.kmu.following import follow
from fleetlore.kmu.report import Acknowledgement, Report
from fleetlore.kmu.standing import refuse_withdrawn
from fleetlore.kmu.submission import Charge, Submission
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import FeedbackId, ReceiptId, new_feedback_id
from fleetlore.storage.records import AgentName, Feedback, Implicit, Outcome, Receipt

if TYPE_CHECKING:
    from fleetlore.storage.ledger import Ledger, LedgerTransaction

KINDS: tuple[Implicit, ...] = get_args(Implicit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Implied:
    """What became of an outcome that was seen: how many items it counts for, and whether it was known already."""

    feedback: FeedbackId
    receipt: ReceiptId
    implicit: Implicit
    outcome: Outcome
    items: int = 0
    known: bool = False


async def imply(
    ledger: Ledger, receipt: ReceiptId, saw: Implicit, *, agent: AgentName | None = None, learning: bool = True
) -> Implied:
    """Takes what was seen of the task that a receipt was given for, in the name of the agent that it was given to.

    Without `learning` it is stored and counts for nothing, as on a receipt that its agent has answered. Where it was
    seen last already, nothing is stored.

    Raises `Refusal` where no such receipt was given, to `agent` or, for None, to anybody; and where its agent was
    revoked.
    """
    return await ledger.write(lambda transaction: _commit(transaction, receipt, saw, agent, learning=learning))


async def retract(transaction: LedgerTransaction, receipt: ReceiptId) -> None:
    """Takes back what was seen of a receipt's task: its agent is about to say how it went."""
    for verdict in await transaction.implied_verdicts(receipt):
        trust = moved(await transaction.trust(verdict.item), -verdict.delta)
        await transaction.set_trust(verdict.item, trust, news=False)
        await transaction.remove_verdict(verdict.item, verdict.source)


def sign_of(saw: Implicit) -> Literal[-1, 1]:
    """Whether it speaks for what was shown or against it."""
    return 1 if saw == "tests-passed" else -1


def trust_after(trust: float, saw: Implicit, share: float, constants: Constants = CONSTANTS) -> float:
    """Trust of an item that has this share in all votes of what was shown."""
    weight = constants.command_failed if saw == "command-failed" else constants.implied
    return moved(trust, sign_of(saw) * weight * share)


async def _commit(
    transaction: LedgerTransaction, wanted: ReceiptId, saw: Implicit, agent: AgentName | None, *, learning: bool
) -> Implied:
    receipt = await transaction.receipt(wanted, agent=agent)
    if receipt is None:
        raise Refusal("receipt", f"{wanted} is unknown here", "Give the receipt (r_…) of a retrieval from this data")
    await refuse_withdrawn(transaction, receipt.agent)
    outcome: Outcome = "success" if sign_of(saw) > 0 else "failure"
    latest = await transaction.latest_implied(receipt.id)
    if latest is not None and latest[1] == saw:
        return Implied(feedback=latest[0], receipt=receipt.id, implicit=saw, outcome=outcome, known=True)
    feedback = _feedback(transaction, receipt, saw, outcome)
    charges = await _charges(transaction, receipt, outcome) if learning and not receipt.answered else ()
    booked = [charge for charge in charges if await _book(transaction, charge, feedback, receipt, saw)]
    answer = Acknowledgement(
        feedback=feedback.id,
        outcome=outcome,
        credited=tuple(charge.item for charge in booked if charge.sign > 0),
        blamed=tuple(charge.item for charge in booked if charge.sign < 0),
    )
    await transaction.add_feedback(feedback, key="", request="", answer=answer.dumped())
    await transaction.record(
        "implied",
        agent=receipt.agent,
        subject=feedback.id,
        receipt=receipt.id,
        implicit=saw,
        outcome=outcome,
        credited=answer.credited,
        blamed=answer.blamed,
    )
    return Implied(feedback=feedback.id, receipt=receipt.id, implicit=saw, outcome=outcome, items=len(booked))


def _feedback(transaction: LedgerTransaction, receipt: Receipt, saw: Implicit, outcome: Outcome) -> Feedback:
    return Feedback(
        id=new_feedback_id(transaction.now),
        at=transaction.now,
        agent=receipt.agent,
        receipt=receipt.id,
        outcome=outcome,
        task="",
        reasoning="",
        insight="",
        applies_when="",
        output="",
        expected="",
        assessment=(),
        implicit=saw,
    )


async def _charges(transaction: LedgerTransaction, receipt: Receipt, outcome: Outcome) -> tuple[Charge, ...]:
    """What a report of that outcome that names no item would say, of the items as they are by now."""
    report = Report(task=receipt.task, agent=receipt.agent, outcome=outcome, receipt=receipt.id)
    submission = Submission(
        report=report,
        assessment=Assessment(outcome=outcome, sentences=()),
        charges=tuple(await crediting.charges(transaction, report, receipt, outcome)),
        draft=None,
        receipt=receipt,
        near={},
        request="",
        required=0,
    )
    return (await follow(transaction, submission)).charges


async def _book(
    transaction: LedgerTransaction, charge: Charge, feedback: Feedback, receipt: Receipt, saw: Implicit
) -> bool:
    """Whether it counts: never in place of the agent's own word, always in place of what was seen before."""
    item = await transaction.item(charge.item, agent=receipt.agent, pruned=True)
    earlier = await transaction.verdict(charge.item, charge.source)
    if item is None or (earlier is not None and not earlier.implicit):
        return False
    before = moved(item.evidence.trust, -earlier.delta) if earlier else item.evidence.trust
    alone = await transaction.agents() <= 1
    himself = crediting.vouches_for_himself(charge, item, receipt.agent, alone=alone)
    after = before if himself else trust_after(before, saw, charge.share)
    await transaction.put_verdict(crediting.verdict_of(charge, feedback, receipt.project, before=before, after=after))
    await transaction.set_trust(item.id, after, news=False)
    return True
