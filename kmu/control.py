"""The controller, System M after "Why AI Systems Don't Learn" (Dupoux, LeCun, Malik, arXiv 2603.15381).

Pure functions from meta-states to meta-actions. The controller learns nothing itself; each of its words names the
states that led to it, and is kept with the receipt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fleetlore.kmu import foresight
from fleetlore.kmu.ranking import Ranked
from fleetlore.storage.records import Experience, Item, Mode

DOUBTFUL = 0.25
UNRELIABLE = 0.6
ALARMING = 0.5
# A lesson that only the store's long silence speaks for, by an agent whose reports are hardly ever borne out.
_LEAST_CREDIT = 0.03
_SLIPPING = 0.8
# New items that wait for consolidation: it comes at this share of the store, or at this many.
_WAITING_SHARE = 0.02
_WAITING_LEAST = 20
_YOUNG = 100

_ADVICE: dict[Mode, str] = {
    "follow": "What is known here is borne out: follow it, and report how it went.",
    "verify": "What is known here is not borne out yet or contested: check it before you rely on it, then report.",
    "explore": "Nothing reliable is known here: try, and report what you learn.",
}
_HELD_OUT = "Knowledge is held back this time, to measure what it is worth: go on without it, and report how it went."
_ALARM = "Outcomes are worse than expected of late, things may have changed: check before you rely on it, then report."


@dataclass(frozen=True, kw_only=True, slots=True)
class States:
    """The meta-states of one retrieval, all in [0, 1].

    novelty = 1 − similarity of the nearest item. uncertainty = 1 − mean trust, weighted by score, times the share of
    the score that the leading lesson has against what contradicts it. surprise = share of contradiction among the
    reports on these items; fleet_surprise = how much worse than expected the whole fleet fares of late. conflict =
    share of the score that contested items have. load = items that wait for consolidation, of what makes it due;
    youth = 1 for a new store, a half after a hundred reports.
    """

    novelty: float = 1.0
    uncertainty: float = 1.0
    surprise: float = 0.0
    fleet_surprise: float = 0.0
    conflict: float = 0.0
    load: float = 0.0
    youth: float = 1.0

    @property
    def prospect(self) -> float:
        """How good the chances look of whoever follows what is shown."""
        return (1 - self.uncertainty) * (1 - self.novelty / 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """The controller's word on one retrieval, and the states that led to it.

    `expected` is the probability of success of whoever follows it, `weight` that of evidence in the scores.
    """

    mode: Mode
    advice: str
    states: States
    expected: float
    weight: float
    because: tuple[str, ...]
    question: str = ""

    @property
    def novelty(self) -> float:
        """As in `States`."""
        return self.states.novelty

    @property
    def uncertainty(self) -> float:
        """As in `States`."""
        return self.states.uncertainty

    @property
    def surprise(self) -> float:
        """The greater of the local and the fleet's surprise."""
        return max(self.states.surprise, self.states.fleet_surprise)


def states_of(shown: Sequence[Ranked[Item]], experience: Experience, *, waiting: int = 0, items: int = 0) -> States:
    """The meta-states of a retrieval that shows these; `waiting` of the store's `items` are not consolidated yet."""
    general = States(
        fleet_surprise=round(foresight.surprise(experience), 2),
        load=round(min(waiting / due(items), 1.0), 2),
        youth=round(_YOUNG / (_YOUNG + experience.reports), 2),
    )
    living = [entry for entry in shown if entry.item.superseded_by is None]
    if not living:
        return general
    weight = sum(entry.score for entry in living)
    lead = max(living, key=lambda entry: entry.score).item
    rivals = sum(e.score for e in living if lead.slot and e.item.slot == lead.slot and e.item.lesson != lead.lesson)
    trust = sum(entry.score * entry.trust for entry in living) / weight
    return States(
        novelty=_rounded(1 - max(entry.similarity for entry in living)),
        uncertainty=_rounded(1 - trust * (1 - rivals / weight)),
        surprise=_rounded(sum(entry.score * _contradicted(entry) for entry in living) / weight),
        fleet_surprise=general.fleet_surprise,
        conflict=_rounded(sum(entry.score for entry in living if entry.item.status == "contested") / weight),
        load=general.load,
        youth=general.youth,
    )


def control(
    shown: Sequence[Ranked[Item]], states: States, experience: Experience, *, weight: float, held_out: bool = False
) -> Control:
    """The meta-actions for a retrieval: what the agent should do with it, and how far evidence counted."""
    reasons: list[tuple[Mode, str]] = [("explore", "held out")] if held_out else list(_reasons(shown, states))
    mode: Mode = min((mode for mode, _ in reasons), key=("explore", "verify").index, default="follow")
    only_alarm = mode == "verify" and all("fleet_surprise" in because for _, because in reasons)
    return Control(
        mode=mode,
        advice=_HELD_OUT if held_out else _ALARM if only_alarm else _ADVICE[mode],
        states=states,
        expected=round(foresight.expected(states.prospect, experience), 3),
        weight=weight,
        because=tuple(f"{because}: {mode}" for mode, because in reasons) or ("borne out and uncontested: follow",),
    )


def _reasons(shown: Sequence[Ranked[Item]], states: States) -> Iterator[tuple[Mode, str]]:
    """Each state that speaks against simply following, and what it calls for."""
    living = [entry for entry in shown if entry.item.superseded_by is None]
    if not living:
        yield "explore", "nothing relevant is known"
        return
    if states.uncertainty > UNRELIABLE:
        yield "explore", f"uncertainty {states.uncertainty} above {UNRELIABLE}"
    elif states.uncertainty > DOUBTFUL:
        yield "verify", f"uncertainty {states.uncertainty} above {DOUBTFUL}"
    if any(entry.item.status == "contested" for entry in living):
        yield "verify", f"conflict {states.conflict}: some are contested"
    if states.fleet_surprise >= ALARMING:
        yield "verify", f"fleet_surprise {states.fleet_surprise} at least {ALARMING}"
    best = max(living, key=lambda entry: entry.score).item
    if best.flags:
        yield "verify", f"{best.id}, the best, is held until a person has looked at it ({', '.join(best.flags)})"
    elif best.status == "provisional":
        yield "verify", f"{best.id}, the best, is provisional"


def admits(*, credit: float, slip: float) -> bool:
    """The write gate: whether a new lesson is kept at all. What is admitted is provisional until it is borne out."""
    return credit > _LEAST_CREDIT or slip < _SLIPPING


def due(items: int) -> float:
    """How many new items make consolidation due in a store of that many."""
    return max(_WAITING_LEAST, _WAITING_SHARE * items)


def consolidates(states: States) -> bool:
    """Whether to consolidate now: enough has come in, or the world seems to have turned."""
    return states.load >= 1 or (states.fleet_surprise >= ALARMING and states.load > 0)


def _contradicted(entry: Ranked[Item]) -> float:
    evidence = entry.item.evidence
    reports = evidence.support + evidence.contradiction
    return evidence.contradiction / reports if reports else 0.0


def _rounded(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 2)
