"""Revoking an agent: what it alone contributed or tipped is taken out of the memory, by a plan that can be taken back.

The ledger is retold twice, outside any transaction; inside, only what came meanwhile is added, so that nobody waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from fleetlore.kmu.policy import Policy
from fleetlore.kmu.retelling import Retelling
from fleetlore.kmu.screening import screen_reason
from fleetlore.kmu.withdrawal import Found, touched, withdrawn
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ItemId, PlanId, new_plan_id
from fleetlore.storage.records import AgentName, Plan, PlannedItem
from fleetlore.storage.standings import Kept
from fleetlore.storage.withdrawals import Withdrawal

if TYPE_CHECKING:
    from fleetlore.storage.ledger import Ledger, LedgerTransaction
    from fleetlore.storage.ledger_view import LedgerView


@dataclass(frozen=True, kw_only=True, slots=True)
class Revocation:
    """What withdrawing an agent does: the plan with a line for each item that is more than followed, and everything.

    `reports` is how many the agent made. `standing` are edits and imports in its name, `own_items` how many items its
    own space has: neither is touched. `tokens` are those of its tokens that count: these end for good.
    """

    plan: Plan
    withdrawal: Withdrawal
    reports: int
    standing: tuple[PlanId, ...]
    own_items: int
    tokens: int

    @property
    def followed(self) -> int:
        """How many more items' trust follows, as they lie near what the agent said."""
        return len({shift.item for shift in self.withdrawal.shifts} - {line.item for line in self.plan.items})


class Revoking:
    """The revocation of one agent, from a first look to its plan. `by` is who wants it, and why is its `reason`."""

    def __init__(self, agent: AgentName, *, by: AgentName, reason: str, policy: Policy) -> None:
        self.agent = agent
        self._by = by
        self._reason = reason
        self._policy = policy
        self._reached = -1
        self._kept: dict[ItemId, Kept] = {}
        self._silent: dict[AgentName, datetime] = {}
        self._told: Retelling | None = None
        self._without: Retelling | None = None

    async def look(self, ledger: Ledger, progress: Callable[[int], None] = lambda seq: None) -> Revocation:
        """What it would do as of now; `progress` is told how far into the ledger's order it has come.

        Raises `Refusal` for an agent that is not known, or withdrawn already.
        """
        await self._possible(ledger.read)
        await self._hear(ledger.read, progress)
        return await self._decided(ledger.read, new_plan_id(ledger.clock()), ledger)

    async def apply(self, ledger: Ledger, plan: PlanId) -> Revocation:
        """Carries it out under that plan's name, with what came since the look."""

        async def withdraw(transaction: LedgerTransaction) -> Revocation:
            await self._possible(transaction)
            decided = prepared
            if await transaction.last_event() != self._reached:
                await self._hear(transaction, lambda seq: None)
                decided = await self._decided(transaction, plan, ledger)
            applied = replace(decided, plan=replace(decided.plan, applied_at=transaction.now))
            await _carry_out(transaction, applied, by=self._by)
            return applied

        # All but what comes in the next moment, while others may still write.
        await self._hear(ledger.read, lambda seq: None)
        prepared = await self._decided(ledger.read, plan, ledger)
        return await ledger.write(withdraw)

    @property
    def told(self) -> Retelling:
        """Everything as it was told, once it was looked at."""
        assert self._told is not None
        return self._told

    async def _possible(self, view: LedgerView) -> None:
        if not await view.agent_known(self.agent):
            raise Refusal("agent", f"there is no agent {self.agent}", "'fleetlore agents' lists them all")
        if (plan := await view.withdrawn_by(self.agent)) is not None:
            raise Refusal("agent", f"{self.agent} is revoked already", f"To take that back: fleetlore undo {plan}")

    async def _hear(self, view: LedgerView, progress: Callable[[int], None]) -> None:
        until = await view.last_event()  # before the items: every report up to here speaks of those
        if until == self._reached:
            return
        silent = await view.silenced()
        self._kept.update(await view.kept_items())
        if self._told is None or self._without is None:
            self._silent, arrivals = silent, await view.arrivals_of_agents()
            required = self._policy.promote_after
            self._told = Retelling(self._kept, arrivals, silent, required=required)
            self._without = Retelling(self._kept, arrivals, silent | {self.agent: None}, required=required)
        if silent != self._silent:
            raise Refusal("agent", "meanwhile another one was revoked, or let in again", "Call it once more")
        async for seq, happened in view.happened_after(self._reached, until):
            self._told.hear(happened)
            self._without.hear(happened)
            progress(seq)
        self._reached = until

    async def _decided(self, view: LedgerView, plan: PlanId, ledger: Ledger) -> Revocation:
        assert self._told is not None
        assert self._without is not None
        found = await _found(view, self.agent, touched(self._told, self._without))
        withdrawal, lines = withdrawn(
            self.agent,
            found,
            self._told,
            self._without,
            plan=plan,
            required=self._policy.promote_after,
            policy=self._policy.prune,
        )
        why = await screen_reason(self._reason)
        reason = f"{self.agent} revoked: {why}" if why else f"{self.agent} revoked"
        return Revocation(
            plan=Plan(id=plan, at=ledger.clock(), agent=self._by, reason=reason, items=tuple(lines), kind="revocation"),
            withdrawal=withdrawal,
            reports=await view.reports_of(self.agent),
            standing=tuple(await view.plans_in_name_of(self.agent)),
            own_items=await view.own_items(self.agent),
            tokens=await view.tokens_of(self.agent, ledger.clock()),
        )


async def _carry_out(transaction: LedgerTransaction, revocation: Revocation, *, by: AgentName) -> None:
    withdrawal, plan = revocation.withdrawal, revocation.plan
    await transaction.bear({shift.item: shift.after for shift in withdrawal.shifts})
    await transaction.exchange_verdicts(taken=withdrawal.verdicts_taken, given=withdrawal.verdicts_given)
    await transaction.exchange_marks(taken=withdrawal.marks_taken, given=withdrawal.marks_given)
    await transaction.exchange_blames(taken=withdrawal.blames_taken, given=withdrawal.blames_given)
    for agent, (_, slip) in withdrawal.slips.items():
        await transaction.set_slip(agent, slip)
    await transaction.set_experience(withdrawal.experience[1])
    for token in await transaction.tokens.revoke_all_of(withdrawal.agent):
        await transaction.record("token revoked", agent=by, subject=token)
    await transaction.add_plan(plan)
    await transaction.keep_withdrawal(plan.id, withdrawal)
    for line in plan.items:
        await _record(transaction, line, plan.id, of=withdrawal.agent, by=by)
    await transaction.record("revoked", agent=by, subject=withdrawal.agent, plan=plan.id)


async def _record(
    transaction: LedgerTransaction, line: PlannedItem, plan: PlanId, *, of: AgentName, by: AgentName
) -> None:
    if line.act == "prune":
        await transaction.record("pruned", agent=by, subject=line.item, plan=plan)
    elif line.act == "merge":
        await transaction.record("merged", agent=by, subject=line.item, into=line.other, plan=plan)
    else:
        await transaction.record("withdrawn", agent=by, subject=line.item, plan=plan, of=of, act=line.act)


async def _found(view: LedgerView, agent: AgentName, differing: Iterable[ItemId]) -> Found:
    spoken, brought = await view.verdicts_by(agent), await view.brought_by(agent)
    away = {item: (plan, kind) for item, plan, kind in await view.taken_away_by(agent)}
    marks = await view.marks_by(agent)
    wordings = await view.wordings_of(brought)
    reworded = [word for words in wordings.values() for word, _ in words]
    predecessors = await view.predecessors(brought)
    concerned = [*dict.fromkeys((*(v.item for v in spoken), *brought, *away, *reworded))]
    every = dict.fromkeys((*concerned, *(mark.item for mark in marks), *predecessors, *differing))
    return Found(
        bearings=await view.bearings(every),
        spoken=spoken,
        brought=brought,
        verdicts=await view.verdicts_of(concerned),
        wordings=wordings,
        away=away,
        marks_by=marks,
        marks_on=await view.marks_on(brought),
        predecessors=predecessors,
        blames=await view.every_blame(),
        slips=await view.slips(),
        experience=await view.experience(),
        silent=[*await view.silenced()],
    )
