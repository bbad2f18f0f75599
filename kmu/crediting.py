"""Crediting: which items a report speaks of, and what each gains or loses by it, inside the ledger's transaction."""

from collections.abc import Sequence
from typing import Literal

from fleetlore.kmu import evidence
from fleetlore.kmu.constants import CONSTANTS
from fleetlore.kmu.evidence import Weighing
from fleetlore.kmu.promotion import stage_of
from fleetlore.kmu.reliability import counts, slip_of_newcomer
from fleetlore.kmu.report import Report
from fleetlore.kmu.submission import Charge, Submission
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.ledger import LedgerTransaction
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import AgentName, Feedback, Item, Outcome, Receipt, Shown, Stage, Verdict

_UNSHOWN_RELEVANCE = 1.0


async def receipt_of(view: LedgerView, report: Report) -> Receipt | None:
    """The receipt that a report answers; refuses one that was never given, and in the same words somebody else's."""
    if report.receipt is None:
        return None
    receipt = await view.receipt(report.receipt, agent=report.agent)
    if receipt is None:
        raise Refusal(
            "receipt",
            f"{report.receipt} was not given to {report.agent} here",
            "Send the receipt of your own retrieval, or leave it out and send the report again",
        )
    return receipt


async def items_named(view: LedgerView, report: Report) -> dict[ItemId, Item]:
    """Every item that a report names; refuses ids that do not exist or are not for this agent to see."""
    wanted = [*report.helpful, *report.harmful, *report.replaces]
    items = await view.items(wanted, agent=report.agent, pruned=True)
    for argument, ids in (("helpful", report.helpful), ("harmful", report.harmful), ("replaces", report.replaces)):
        if missing := [item for item in ids if item not in items]:
            raise Refusal(
                argument, f"there is no item {missing[0]}", "Use the ids (k_…) of a retrieval, or leave it out"
            )
    return items


async def charges(view: LedgerView, report: Report, receipt: Receipt | None, outcome: Outcome) -> list[Charge]:
    """What a report says of which item.

    Named items are charged directly, under the receipt that showed them to this agent; an item that is replaced is
    named against. Where no item is named, the outcome is shared, weakly, among the items shown.
    """
    shown = {} if receipt is None else {entry.item: entry for entry in receipt.shown}
    votes = sum(entry.score for entry in shown.values()) or 1.0
    against = [*report.harmful, *(item for item in report.replaces if item not in (*report.helpful, *report.harmful))]
    # What the report speaks against was expected together, in whatever words each item says it.
    expected = sum(shown[item].score for item in against if item in shown) / votes
    direct = [
        await _direct(view, report, shown.get(item), receipt, item=item, sign=1, share=0.0) for item in report.helpful
    ]
    direct += [
        await _direct(view, report, shown.get(item), receipt, item=item, sign=-1, share=expected) for item in against
    ]
    if direct or receipt is None or report.nothing_mattered or outcome == "observation":
        return direct
    return [
        Charge(
            item=entry.item,
            source=receipt.id,
            sign=1 if outcome == "success" else -1,
            direct=False,
            relevance=entry.relevance,
            share=entry.score / votes,
        )
        for entry in shown.values()
    ]


async def _direct(
    view: LedgerView,
    report: Report,
    entry: Shown | None,
    receipt: Receipt | None,
    *,
    item: ItemId,
    sign: Literal[-1, 1],
    share: float,
) -> Charge:
    relevance = entry.relevance if entry else _UNSHOWN_RELEVANCE
    source: str | None = receipt.id if receipt is not None and entry is not None else None
    if source is None:
        source = await view.latest_receipt_showing(item, agent=report.agent)
    if source is None and item in report.replaces:
        source = source_of(report)
    if source is None:
        raise Refusal(
            "helpful" if sign > 0 else "harmful",
            f"{item} was not shown to {report.agent} in any of its latest retrievals",
            "Name only items that you were shown",
        )
    return Charge(item=item, source=source, sign=sign, direct=True, relevance=relevance, share=share)


async def slip_of(transaction: LedgerTransaction, agent: AgentName) -> float:
    """The agent's slip rate; of one of whom nothing is known, what new names of late lead one to expect."""
    if (known := await transaction.slip(agent)) is not None:
        return known
    return slip_of_newcomer(await transaction.slips_of_newcomers(CONSTANTS.newcomers))


async def apply(
    transaction: LedgerTransaction,
    submission: Submission,
    feedback: Feedback,
    made: Sequence[Charge],
    weighing: Weighing,
) -> list[Charge]:
    """Books the charges: verdicts, trust, counts, stage. Returns those that changed something.

    The same source says of an item only one thing: its latest verdict takes the place of the earlier, whose effect
    on trust is taken back first. What an agent says again from another source counts for less each time: that an item
    is right, half as much the second time and a third the third; that it is wrong, from the fourth time on.
    """
    if not made:
        return []
    report = submission.report
    items = await transaction.items([charge.item for charge in made], agent=report.agent, pruned=True)
    said = await transaction.said(report.agent, items)
    alone = await transaction.agents() <= 1
    booked = []
    for charge in made:
        item = items.get(charge.item)
        before_now = said.get(charge.item, {})
        earlier = before_now.get(charge.source)
        if item is None or (not charge.direct and item.id in weighing.trusts):
            continue
        if earlier and not earlier.implicit and earlier.sign == charge.sign and (earlier.direct or not charge.direct):
            continue
        before = evidence.moved(item.evidence.trust, -earlier.delta) if earlier else item.evidence.trust
        times = sum(v.direct and v.sign == charge.sign for v in before_now.values() if v is not earlier)
        repeated = said_again(charge.sign, times)
        after = (
            before
            if vouches_for_himself(charge, item, report.agent, alone=alone)
            else trust_after(
                before, charge, weighing, lesson=item.lesson, slot=item.slot, relevance=charge.relevance / repeated
            )
        )
        await transaction.put_verdict(verdict_of(charge, feedback, report.project, before=before, after=after))
        await transaction.set_trust(item.id, after)
        await restage(transaction, item, trust=after, agent=report.agent, required=submission.required)
        booked.append(charge)
    return booked


def vouches_for_himself(charge: Charge, item: Item, agent: AgentName, *, alone: bool) -> bool:
    """Whether an agent praises what it said itself, which counts for nothing before others.

    What is only its own it may judge alone.
    """
    return charge.sign > 0 and item.author == agent and item.space == "general" and not alone


def verdict_of(charge: Charge, feedback: Feedback, project: str, *, before: float, after: float) -> Verdict:
    """What a report says of an item, and how far that moved its trust."""
    return Verdict(
        item=charge.item,
        source=charge.source,
        agent=feedback.agent,
        project=project,
        feedback=feedback.id,
        at=feedback.at,
        sign=charge.sign,
        direct=charge.direct,
        delta=evidence.log_odds(after) - evidence.log_odds(before),
        implicit=bool(feedback.implicit),
    )


async def blame(
    transaction: LedgerTransaction, feedback: Feedback, booked: Sequence[Charge], asserted: str
) -> tuple[int, int]:
    """Notes which lessons a report calls harmful and which it bears out; returns how many blames came and went.

    Borne out is what it names helpful, and the lesson that it credibly asserts (a digest, "" for none).
    """
    items = await transaction.items([c.item for c in booked if c.direct], agent=feedback.agent, pruned=True)
    signs = [(items[c.item], c.sign) for c in booked if c.item in items and items[c.item].space == "general"]
    lives = {item.lesson for item, sign in signs if sign > 0 and item.author != feedback.agent}
    lives |= {asserted} - {""}
    dying = {item.lesson for item, sign in signs if sign < 0} - lives
    # One may blame one's own lesson too: that counts as much.
    if dying and not counts(await slip_of(transaction, feedback.agent)):
        dying = set()
    blamed = sum([await transaction.blame(lesson, feedback.agent, feedback.id) for lesson in sorted(dying)])
    revived = sum([await transaction.absolve(lesson) for lesson in sorted(lives)])
    return blamed, revived


async def restage(
    transaction: LedgerTransaction, item: Item, *, trust: float, agent: AgentName, required: int, news: bool = True
) -> Stage:
    """Promotes or demotes an item of the general space as the outcomes of other agents warrant; returns its stage.

    Without `news` the item counts as no younger for it.
    """
    if item.space == "prompt":
        return item.stage
    latest = await transaction.latest_signs(item.id)
    others = [sign for name, sign in latest.items() if name != item.author and counts(await slip_of(transaction, name))]
    stage = stage_of(
        item.stage,
        backers=others.count(1),
        objectors=others.count(-1),
        trust=trust,
        required=required,
        held=bool(item.flags),
    )
    if stage != item.stage:
        await transaction.set_stage(item.id, stage, news=news)
        kind = "promoted" if stage == "active" else "demoted"
        await transaction.record(kind, agent=agent, subject=item.id, backers=others.count(1), trust=trust)
    return stage


def said_again(sign: Literal[-1, 1], times: int) -> int:
    """By what an agent's word is divided that has said it so many times already, of the same item."""
    return 1 + times if sign > 0 else max(1, times - 1)


def trust_after(
    before: float, charge: Charge, weighing: Weighing, *, lesson: str, slot: str, relevance: float
) -> float:
    """Trust of an item of that lesson and slot after a charge, of that relevance by now."""
    if not charge.direct:
        return evidence.shared(before, charge.sign, charge.share * weighing.reliability)
    if charge.sign > 0:
        return evidence.confirmed(before, relevance, weighing.confirmation)
    share = weighing.shares.get(lesson, charge.share) if slot else charge.share
    credit = weighing.credit * weighing.reliability
    return evidence.failed(before, relevance, share, credit, weighing.confirmation)


def source_of(report: Report) -> str:
    """In whose name a report speaks: its receipt's, or, without one, its agent's, whose latest word then counts."""
    return report.receipt or f"agent:{report.agent}"


def origin(report: Report, feedback: Feedback, item: ItemId) -> Verdict:
    """The verdict that comes with a new item: its author backs it, which changes no trust."""
    return Verdict(
        item=item,
        source=source_of(report),
        agent=report.agent,
        project=report.project,
        feedback=feedback.id,
        at=feedback.at,
        sign=1,
        direct=True,
        delta=0.0,
    )
