"""Retelling: what the ledger's reports come to when they are told once more, with or without some of the agents.

A pure fold over what happened, in the ledger's order, through the same functions as learning itself. It does not know
everything that ever changed an item (what came by imports, edits, merges that were parted again); so it is never taken
for the truth: the difference of two retellings is, in which what neither knows cancels out.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from fleetlore.kmu import crediting, foresight, implicit
from fleetlore.kmu.evidence import (
    CONSTANTS,
    CREDIBLE,
    Neighbour,
    Weighing,
    confirmation_of,
    living,
    log_odds,
    moved,
    slip_after,
    weigh,
)
from fleetlore.kmu.promotion import stage_of
from fleetlore.kmu.retold import Retold, RetoldStore, Word
from fleetlore.kmu.submission import Charge
from fleetlore.storage.identifiers import FeedbackId, ItemId, ReceiptId
from fleetlore.storage.records import NO_EXPERIENCE, AgentName, Experience
from fleetlore.storage.standings import FirstSeen, Kept, Told, Turned


class Retelling:
    """What everything told so far comes to.

    `silent` are agents that count as if they had not spoken until then; None, as if they never did. `kept` says what
    each item says, `arrivals` when each agent was first seen.
    """

    def __init__(
        self,
        kept: Mapping[ItemId, Kept],
        arrivals: Iterable[FirstSeen],
        silent: Mapping[AgentName, datetime | None],
        *,
        required: int,
    ) -> None:
        self.store = RetoldStore()
        self.slips: dict[AgentName, float] = {}
        self.blames: dict[str, dict[AgentName, tuple[FeedbackId, datetime]]] = {}
        self.experience: Experience = NO_EXPERIENCE
        self._kept = kept
        self._silent = silent
        self._required = required
        self._seen = sorted(a.first_seen for a in arrivals if silent.get(a.agent, a.first_seen) is not None)
        self._corrections: list[Turned] = []
        self._brought: set[tuple[ReceiptId, str]] = set()
        self._answered: set[ReceiptId] = set()
        self._implied: dict[ReceiptId, list[Retold]] = {}

    def hear(self, happened: Told | Turned) -> None:
        """Goes on by one."""
        if self._is_silent(happened):
            return
        if isinstance(happened, Turned):
            if happened.kind == "imported":
                self._import(happened.item)
            elif happened.kind == "superseded" and not happened.planned:
                self._corrections.append(happened)  # by the report that comes next, when it was weighed
            else:
                self.store.turn(happened, confirmation_of(self.experience))
        elif happened.implicit:
            self._imply(happened)
        else:
            self._learn(happened)

    def _is_silent(self, happened: Told | Turned) -> bool:
        if happened.agent not in self._silent:
            return False
        if isinstance(happened, Turned) and happened.planned and happened.kind != "pruned":
            return False  # it goes by what items say; in whose name it is booked does not matter
        until = self._silent[happened.agent]
        return until is None or happened.at <= until

    def _learn(self, told: Told) -> None:
        if told.receipt is not None:
            self._retract(told.receipt)
        alone = bisect_right(self._seen, told.at) <= 1
        item = self.store.living_id(told.item) if told.item else None
        weighing = self._weigh(told, item, alone=alone)
        booked = [
            charge
            for charge in self._charges(told)
            if (charge.direct or charge.item not in weighing.trusts)
            and self._charge(told, charge, weighing, alone=alone)
        ]
        self._gain_experience(told, item, weighing, booked)
        if told.decision == "rejected":  # what it said is not kept, what it was worth is
            self._move_slip(told, told.credit)
            self.experience = replace(self.experience, reports=self.experience.reports + 1)
        if item is not None:
            self._store(told, item, weighing, alone=alone)
        for correction in self._corrections:
            self.store.turn(correction, confirmation_of(self.experience))
        self._corrections.clear()
        if told.receipt is not None:
            self._answered.add(told.receipt)

    def _import(self, item: ItemId) -> None:
        """An item that came with its evidence is in every retelling, as it is: only what was said since can differ."""
        if item in self._kept and item not in self.store.items:
            kept = self._kept[item]
            self.store.items[item] = Retold(
                author=kept.author, lesson=kept.lesson, slot=kept.slot, trust=kept.trust, imported=True
            )

    def _weigh(self, told: Told, item: ItemId | None, *, alone: bool) -> Weighing:
        """As `learning` does; what the report says of its neighbours and of its agent is booked."""
        kept = self._kept.get(told.item) if told.item else None
        repeated = kept is not None and told.receipt is not None and (told.receipt, kept.lesson) in self._brought
        teaches = kept is not None and not repeated
        named = {self.store.living_id(one) for one in (*told.credited, *told.blamed)} if told.direct else set()
        if item is not None and told.decision in ("corroborated", "merged"):
            named.add(item)
        neighbours = {}
        if teaches:
            assert kept is not None
            for near, relevance in self._near(told).items():
                said = self.store.items[near]
                neighbours[near] = Neighbour(
                    relevance=relevance,
                    trust=said.trust,
                    lesson=said.lesson,
                    others=alone or said.author != told.agent,
                    contradicts=bool(kept.slot) and said.slot == kept.slot and said.lesson != kept.lesson,
                    living=living(len(self.blames.get(said.lesson, ())), self.experience),
                )
        weighing = weigh(
            kept.lesson if kept else "",
            neighbours,
            slip=self.slips.get(told.agent, CONSTANTS.slip),
            outcome=told.outcome,
            exclusive=kept is not None and bool(kept.slot),
            named=named,
            experience=self.experience,
        )
        if not teaches:
            return replace(weighing, experience=self.experience)
        for near, trust in weighing.trusts.items():
            self.store.items[near].trust = trust
        if not alone:
            self._move_slip(told, weighing.credit)
        return weighing

    def _near(self, told: Told) -> dict[ItemId, float]:
        near: dict[ItemId, float] = {}
        for found, relevance in told.near:
            item = self.store.living_id(found)
            if self.store.stands(item):
                near[item] = max(relevance, near.get(item, 0.0))
        return near

    def _charges(self, told: Told) -> list[Charge]:
        votes = sum(score for _, score in told.shown.values()) or 1.0
        expected = sum(told.shown[item][1] for item in told.blamed if item in told.shown) / votes
        charges = []
        for sign, spoken in ((1, told.credited), (-1, told.blamed)):
            for item in spoken:
                relevance, score = told.shown.get(item, (1.0, 0.0))
                charges.append(
                    Charge(
                        item=self.store.living_id(item),
                        source=self._source(told, item),
                        sign=1 if sign > 0 else -1,
                        direct=told.direct,
                        relevance=relevance,
                        share=score / votes if not told.direct else expected if sign < 0 else 0.0,
                    )
                )
        return charges

    def _source(self, told: Told, item: ItemId) -> str:
        if told.receipt and item in told.shown:
            return told.receipt
        return told.sources.get(item, f"agent:{told.agent}")

    def _charge(self, told: Told, charge: Charge, weighing: Weighing, *, alone: bool) -> bool:
        """As `crediting.apply`; whoever first finds an item helpful that nobody brought has brought it."""
        item = self.store.items.get(charge.item)
        if item is None:
            if charge.direct and charge.sign > 0:
                self._bring(told, charge.item, charge.source, weighing.credit)
            return False
        earlier = item.words.get(charge.source)
        if earlier and not earlier.implicit and earlier.sign == charge.sign and (earlier.direct or not charge.direct):
            return False
        before = moved(item.trust, -earlier.delta) if earlier else item.trust
        again = earlier is not None and earlier.direct and earlier.sign == charge.sign
        times = crediting.said_again(charge.sign, item.times[told.agent, charge.sign] - again)
        if charge.sign > 0 and item.author == told.agent and not alone:
            after = before
        else:
            relevance = charge.relevance / times
            after = crediting.trust_after(
                before, charge, weighing, lesson=item.lesson, slot=item.slot, relevance=relevance
            )
        word = Word(agent=told.agent, sign=charge.sign, direct=charge.direct, delta=log_odds(after) - log_odds(before))
        self._say(told, item, charge.source, word)
        item.trust = after
        item.stage = stage_of(
            item.stage,
            backers=item.others(1),
            objectors=item.others(-1),
            trust=after,
            required=self._required,
            held=self._kept[charge.item].held,
        )
        return True

    def _say(self, told: Told, item: Retold, source: str, word: Word) -> None:
        item.say(source, word)
        if word.sign > 0 and told.receipt == source:
            self._brought.add((told.receipt, item.lesson))

    def _bring(self, told: Told, item: ItemId, source: str, credit: float) -> None:
        if (kept := self._kept.get(item)) is not None:
            made = Retold(author=told.agent, lesson=kept.lesson, slot=kept.slot, trust=credit)
            self._say(told, made, source, Word(agent=told.agent, sign=1, direct=True, delta=0.0, own=True))
            self.store.items[item] = made

    def _gain_experience(self, told: Told, item: ItemId | None, weighing: Weighing, booked: Iterable[Charge]) -> None:
        """As `learning` does: who blames which lessons, which live, and whether the outcome was foreseen."""
        said = [(self.store.items[charge.item], charge.sign) for charge in booked if charge.direct]
        lives = {one.lesson for one, sign in said if sign > 0 and one.author != told.agent}
        asserted = self._kept.get(told.item) if told.item else None
        known = self.store.items.get(item) if item and told.decision != "merged" else None
        if asserted and weighing.credit >= CREDIBLE and (known is None or known.author != told.agent):
            lives.add(asserted.lesson)
        blamed = revived = 0
        for lesson in {one.lesson for one, sign in said if sign < 0} - lives:
            blamers = self.blames.setdefault(lesson, {})
            if told.agent not in blamers:
                blamers[told.agent] = (told.feedback, told.at)
                blamed += 1
        for lesson in lives:
            revived += len(self.blames.pop(lesson, ()))
        experience = weighing.experience
        experience = replace(experience, blamed=experience.blamed + blamed, revived=experience.revived + revived)
        if told.control and told.shown and told.receipt not in self._answered and told.outcome != "observation":
            experience = foresight.learnt(
                experience,
                prospect=told.control["states"]["prospect"],
                foreseen=told.control["expected"],
                success=told.outcome == "success",
            )
        self.experience = experience

    def _store(self, told: Told, item: ItemId, weighing: Weighing, *, alone: bool) -> None:
        source = told.receipt or f"agent:{told.agent}"
        known = self.store.items.get(item)
        if known is None:
            self._bring(told, item, source, weighing.credit)
            return
        if told.decision not in ("corroborated", "merged"):  # it had been pruned, and is said again
            known.living = True
            known.trust = min(known.trust, weighing.credit)
            known.stage = "provisional"
            known.named.clear()
        if not (told.direct and item in map(self.store.living_id, (*told.credited, *told.blamed))):
            back = Charge(item=item, source=source, sign=1, direct=True, relevance=1.0, share=0.0)
            self._charge(told, back, weighing, alone=alone)

    def _move_slip(self, told: Told, credit: float) -> None:
        if told.outcome != "observation":
            self.slips[told.agent] = slip_after(self.slips.get(told.agent, CONSTANTS.slip), credit)

    def _imply(self, told: Told) -> None:
        assert told.receipt is not None
        assert told.implicit != ""
        votes = sum(score for _, score in told.shown.values()) or 1.0
        alone = bisect_right(self._seen, told.at) <= 1
        for spoken in (*told.credited, *told.blamed):
            item, sign = self.store.items.get(self.store.living_id(spoken)), implicit.sign_of(told.implicit)
            earlier = item.words.get(told.receipt) if item else None
            if item is None or (earlier is not None and not earlier.implicit):
                continue
            before = moved(item.trust, -earlier.delta) if earlier else item.trust
            himself = sign > 0 and item.author == told.agent and not alone
            share = told.shown[spoken][1] / votes if spoken in told.shown else 0.0
            after = before if himself else implicit.trust_after(before, told.implicit, share)
            delta = log_odds(after) - log_odds(before)
            item.words[told.receipt] = Word(agent=told.agent, sign=sign, direct=False, delta=delta, implicit=True)
            item.trust = after
            self._implied.setdefault(told.receipt, []).append(item)

    def _retract(self, receipt: ReceiptId) -> None:
        for item in self._implied.pop(receipt, ()):
            if (word := item.words.get(receipt)) is not None and word.implicit:
                item.trust = moved(item.trust, -word.delta)
                del item.words[receipt]
