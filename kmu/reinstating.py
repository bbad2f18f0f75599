"""Reinstating an agent that was revoked: every value as it was, with what came since."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fleetlore.kmu import crediting
from fleetlore.kmu.difference import experience_moved, slip_moved
from fleetlore.kmu.evidence import log_odds, moved
from fleetlore.storage.identifiers import ItemId, PlanId
from fleetlore.storage.records import AgentName, Plan, Verdict
from fleetlore.storage.withdrawals import Bearing, Withdrawal

if TYPE_CHECKING:
    from fleetlore.storage.ledger import LedgerTransaction


async def take_back(transaction: LedgerTransaction, plan: Plan, *, by: AgentName, required: int) -> None:
    """Undoes a revocation: everything as it was, with what came since."""
    withdrawal = await transaction.withdrawal(plan.id)
    assert withdrawal is not None
    now = await transaction.bearings(shift.item for shift in withdrawal.shifts)
    handed = {line.item: line.other for line in plan.items if line.act == "merge" and line.other is not None}
    bearings: dict[ItemId, Bearing] = {}
    gained: dict[ItemId, float] = {}
    for shift in withdrawal.shifts:
        if (current := now.get(shift.item)) is None:
            continue
        bearings[shift.item] = _restored(shift.before, shift.after, current)
        if current.trust != shift.after.trust:
            gained[shift.item] = log_odds(current.trust) - log_odds(shift.after.trust)
    taken, given = await _verdicts_back(transaction, withdrawal, plan, handed)
    for item, wording in handed.items():
        if wording in gained and bearings[wording].merged_into == item:
            shift_of = gained.pop(wording)
            bearings[wording] = replace(bearings[wording], trust=_before(withdrawal, wording).trust)
            bearings[item] = replace(bearings[item], trust=moved(bearings[item].trust, shift_of))
            gained[item] = shift_of
    await transaction.bear(bearings)
    await transaction.exchange_verdicts(taken=taken, given=given)
    await transaction.exchange_marks(taken=withdrawal.marks_given, given=withdrawal.marks_taken)
    await transaction.exchange_blames(taken=withdrawal.blames_given, given=withdrawal.blames_taken)
    await _numbers_back(transaction, withdrawal)
    await transaction.readmit(withdrawal.agent, plan.id)
    for item in gained:
        await _as_outcomes_warrant(transaction, item, plan.id, by=by, required=required)
    for line in plan.items:
        await transaction.record(
            "withdrawal undone", agent=by, subject=line.item, act=line.act, plan=plan.id, of=withdrawal.agent
        )
    await transaction.record("reinstated", agent=by, subject=withdrawal.agent, plan=plan.id)


def _before(withdrawal: Withdrawal, item: ItemId) -> Bearing:
    return next(shift.before for shift in withdrawal.shifts if shift.item == item)


def _restored(before: Bearing, after: Bearing, current: Bearing) -> Bearing:
    """An item as it was, where nothing has changed it since; what did, stays. It is whose who said it first."""
    gained = log_odds(current.trust) - log_odds(after.trust)
    first = min(before, current, key=lambda bearing: bearing.feedback)
    return Bearing(
        author=first.author,
        feedback=first.feedback,
        stage=before.stage if current.stage == after.stage else current.stage,
        trust=before.trust if current.trust == after.trust else moved(before.trust, gained),
        superseded_by=before.superseded_by if current.superseded_by == after.superseded_by else current.superseded_by,
        pruned_by=before.pruned_by if current.pruned_by == after.pruned_by else current.pruned_by,
        merged_into=before.merged_into if current.merged_into == after.merged_into else current.merged_into,
    )


async def _verdicts_back(
    transaction: LedgerTransaction, withdrawal: Withdrawal, plan: Plan, handed: dict[ItemId, ItemId]
) -> tuple[list[Verdict], list[Verdict]]:
    """Which verdicts go and which come: also what was said since of words that stood in another's place."""
    taken, given = [], []
    for verdict in withdrawal.verdicts_given:
        held = await transaction.verdict(verdict.item, verdict.source)
        if held is not None and held.feedback == verdict.feedback:
            taken.append(held)
    for verdict in withdrawal.verdicts_taken:
        if await transaction.verdict(verdict.item, verdict.source) is None:
            given.append(verdict)
    for item, wording in handed.items():
        for verdict in await transaction.verdicts(wording):
            if plan.applied_at is not None and verdict.at > plan.applied_at:
                taken.append(verdict)
                given.append(replace(verdict, item=item))
    return taken, given


async def _numbers_back(transaction: LedgerTransaction, withdrawal: Withdrawal) -> None:
    slips = await transaction.slips()
    for agent, (before, after) in withdrawal.slips.items():
        if agent in slips:
            await transaction.set_slip(agent, slip_moved(before, after, slips[agent]))
    before_experience, after_experience = withdrawal.experience
    current = await transaction.experience()
    await transaction.set_experience(experience_moved(before_experience, after_experience, current))


async def _as_outcomes_warrant(
    transaction: LedgerTransaction, item: ItemId, plan: PlanId, *, by: AgentName, required: int
) -> None:
    """What was said since may have moved an item's stage; one that came back by itself counts what was said before."""
    found = (await transaction.items([item], agent=by, pruned=True)).get(item)
    if found is None:
        return
    if any(event["kind"] == "returned" and event["plan"] == plan for event in await transaction.history(item)):
        await transaction.bear_out_again(item, found.stage)
    await crediting.restage(transaction, found, trust=found.evidence.trust, agent=by, required=required, news=False)
