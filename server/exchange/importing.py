"""Importing: lines become lessons that the memory learns, and items that it takes in with their evidence.

What is known already is left alone: writing a lesson down once more bears nothing out. What is new is a plan, so that
it can be taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import anyio

from fleetlore.kmu import learning
from fleetlore.kmu.adopting import (
    Disputed,
    Forgotten,
    Known,
    Standpoint,
    Taken,
    adopt,
    digested,
    extend,
    import_plan,
    judge,
    line_of,
    recognise,
)
from fleetlore.kmu.lesson import draft_of
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.report import Report
from fleetlore.kmu.screening import screen_report
from fleetlore.server.exchange.lines import Arrival, Lesson, Line, Place, Refused, Skipped
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ItemId, PlanId, new_plan_id
from fleetlore.storage.records import AgentName, Plan, PlannedItem
from fleetlore.storage.redaction import redact

if TYPE_CHECKING:
    from fleetlore.kmu.submission import Draft
    from fleetlore.storage.ledger import Ledger

Decision = Literal["new", "known", "twice", "skipped", "refused"]

TOGETHER = 500  # lines at once: a few commits of the ledger
_MOST_IN_A_PLAN = 10_000
_POLICY = Policy()
_REMEMBERED = 100_000  # words of lines that a later line may repeat


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What became of a line, or would become of it."""

    place: Place
    decision: Decision
    text: str
    item: str = ""
    because: str = ""


@dataclass(slots=True)
class Import:
    """One import in the name of an agent. A dry run stores nothing and only says what would be.

    `project` is for what names none itself; `tags` are added to every lesson. `redacted` counts the secrets taken out.
    """

    ledger: Ledger
    agent: AgentName
    dry_run: bool
    project: str = ""
    tags: tuple[str, ...] = ()
    totals: Counter[str] = field(default_factory=Counter)
    plans: list[Plan] = field(default_factory=list)
    redacted: int = 0
    _said: dict[str, Place] = field(default_factory=dict)

    async def take(self, lines: Sequence[Line]) -> list[Told]:
        """Takes lines, at most about `TOGETHER`, and tells what became of each; whatever comes between, it is whole."""
        told: dict[int, Told] = {}
        arrivals: list[tuple[int, Arrival]] = []
        with anyio.CancelScope(shield=True):
            lessons = []
            for number, line in enumerate(lines):
                match line:
                    case Skipped():
                        told[number] = Told(
                            place=line.place, decision="skipped", text=redact(line.text).text, because=line.because
                        )
                    case Refused():
                        told[number] = Told(
                            place=line.place, decision="refused", text=redact(line.text).text, because=line.because
                        )
                    case Arrival():
                        arrivals.append((number, line))
                    case Lesson():
                        lessons.append((number, line))
            told |= await self._learnt(lessons)
            told |= await self._adopted(arrivals)
        self.totals.update(one.decision for one in told.values())
        return [told[number] for number in range(len(lines))]

    async def _learnt(self, lessons: Iterable[tuple[int, Lesson]]) -> dict[int, Told]:
        told: dict[int, Told] = {}
        fresh: dict[int, tuple[Lesson, Report, Draft]] = {}
        for number, lesson in lessons:
            report, redacted = await screen_report(self._report(lesson))
            self.redacted += redacted
            lesson = replace(lesson, insight=report.insight)  # noqa: PLW2901  what is told of it is told without secrets
            draft = draft_of(self.ledger, report)
            repeated = self._repeated(lesson, draft)
            if draft is None or repeated is not None:
                told[number] = repeated or _of(lesson, "skipped", because="it has no words")
            else:
                fresh[number] = (lesson, report, draft)
        added: dict[int, PlannedItem] = {}

        async def learn(number: int, lesson: Lesson, report: Report) -> None:
            told[number], line = await self._learn(lesson, report)
            if line is not None:
                added[number] = line

        found = await recognise(self.ledger.read, [draft for _, _, draft in fresh.values()])
        try:
            async with anyio.create_task_group() as tasks:
                for (number, (lesson, report, _)), known in zip(fresh.items(), found, strict=True):
                    match known:
                        case Known(item=item, reworded=reworded):
                            told[number] = _of(lesson, "known", item=item, because="in other words" if reworded else "")
                        case Forgotten(item=item, plan=pruned_by):
                            told[number] = _forgotten(lesson.place, lesson.insight, item, pruned_by)
                        case None:
                            tasks.start_soon(learn, number, lesson, report)
        finally:
            # What was stored can be taken back, also where a store failed halfway.
            if added:
                plan = self._plan()
                lines = [added[number] for number in sorted(added)]
                self._noted(await self.ledger.write(lambda transaction: extend(transaction, plan, lines)))
        return told

    def _repeated(self, lesson: Lesson, draft: Draft | None) -> Told | None:
        """What is to be said of a lesson that an earlier line has stated."""
        if draft is None:
            return None
        earlier = self._said.get(draft.digest) or (self._said.get(draft.gist) if draft.gist else None)
        if earlier is not None:
            return _of(lesson, "twice", because=f"the same as {earlier}")
        self._remember(lesson.place, draft.digest, draft.gist)
        return None

    def _remember(self, place: Place, *digests: str) -> None:
        if len(self._said) < _REMEMBERED:
            self._said |= {digest: place for digest in digests if digest}

    async def _learn(self, lesson: Lesson, report: Report) -> tuple[Told, PlannedItem | None]:
        if self.dry_run:
            return _of(lesson, "new"), None
        try:
            answer = await learning.learn(self.ledger, report, policy=_POLICY)
        except Refusal as refusal:
            return _of(lesson, "refused", because=str(refusal)), None
        [learned] = answer.learned
        if learned.decision == "rejected":
            return _of(lesson, "refused", because=learned.because), None
        if learned.decision != "new":  # somebody else was first, since we looked
            return _of(lesson, "known", item=learned.id), None
        line = PlannedItem(
            item=ItemId(learned.id),
            because=redact(lesson.place.told).text,
            feedback=(answer.feedback,),
            stage="provisional",
            act="import",
        )
        return _of(lesson, "new", item=learned.id), line

    def _report(self, lesson: Lesson) -> Report:
        return Report(
            task=f"import of {lesson.place.file}",
            agent=self.agent,
            outcome="observation",
            reasoning=f"Read in {lesson.place.told}.",
            insight=lesson.insight,
            kind=lesson.kind or "auto",
            applies_when=lesson.applies_when or lesson.insight,
            task_type=lesson.task_type,
            project=lesson.project or self.project,
            tags=tuple(dict.fromkeys((*lesson.tags, *self.tags))),
        )

    async def _adopted(self, arrivals: Iterable[tuple[int, Arrival]]) -> dict[int, Told]:
        told: dict[int, Told] = {}
        fresh: list[tuple[int, Arrival]] = []
        for number, arrival in arrivals:
            dossier, redacted = digested(self.ledger, arrival.dossier)
            self.redacted += redacted
            place, item = arrival.place, dossier.item
            if (earlier := self._said.get(item.id)) is not None:
                because = f"the same as {earlier}"
                told[number] = Told(place=place, decision="twice", text=item.insight, item=item.id, because=because)
            else:
                self._remember(place, item.id)
                fresh.append((number, Arrival(place=place, dossier=dossier)))
        if not fresh:
            return told
        dossiers = [arrival.dossier for _, arrival in fresh]
        if self.dry_run:
            found = await judge(self.ledger.read, dossiers, agent=self.agent)
        else:
            lines = {one.dossier.item.id: line_of(one.dossier.item, redact(one.place.told).text) for _, one in fresh}
            found, plan = await adopt(self.ledger, dossiers, lines, self._plan())
            self._noted(plan)
        for (number, arrival), standpoint in zip(fresh, found, strict=True):
            told[number] = _told(arrival, standpoint)
        return told

    def _plan(self) -> Plan:
        """The plan that has room for more."""
        if self.plans and len(self.plans[-1].items) < _MOST_IN_A_PLAN:
            return self.plans[-1]
        now = self.ledger.clock()
        return import_plan(new_plan_id(now), self.ledger, self.agent, "import")

    def _noted(self, plan: Plan) -> None:
        if self.plans and self.plans[-1].id == plan.id:
            self.plans[-1] = plan
        elif plan.items:
            self.plans.append(plan)


def _of(lesson: Lesson, decision: Decision, *, item: str = "", because: str = "") -> Told:
    return Told(place=lesson.place, decision=decision, text=lesson.insight, item=item, because=because)


def _told(arrival: Arrival, standpoint: Standpoint) -> Told:
    place, item = arrival.place, arrival.dossier.item
    match standpoint:
        case Taken(returned=returned):
            because = "it is back" if returned else ""
            return Told(place=place, decision="new", text=item.insight, item=item.id, because=because)
        case Known(item=known):
            return Told(place=place, decision="known", text=item.insight, item=known)
        case Forgotten(item=known, plan=plan, erased=erased):
            return _forgotten(place, item.insight, known, plan, erased=erased)
        case Disputed(because=because):
            return Told(place=place, decision="refused", text=item.insight, item=item.id, because=because)


def _forgotten(place: Place, text: str, item: ItemId, plan: PlanId, *, erased: bool = False) -> Told:
    because = f"it was pruned here; to bring it back: fleetlore undo {plan}"
    because = "it was erased here for good" if erased else because
    return Told(place=place, decision="skipped", text=text, item=item, because=because)
