"""The controller, System M after "Why AI Systems Don't Learn" (Dupoux, LeCun, Malik, arXiv 2603.15381), first version.

A pure function from meta-states (novelty, uncertainty, surprise) to meta-actions (mode, advice). It learns nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fleetlore.kmu.ranking import Ranked
from fleetlore.storage.records import Mode

_DOUBTFUL = 0.25
_UNRELIABLE = 0.6

_ADVICE: dict[Mode, str] = {
    "follow": "What is known here is borne out: follow it, and report how it went.",
    "verify": "What is known here is not borne out yet or contested: check it before you rely on it, then report.",
    "explore": "Nothing reliable is known here: try, and report what you learn.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """The controller's word on one retrieval; numbers in [0, 1]."""

    mode: Mode
    advice: str
    novelty: float
    uncertainty: float
    surprise: float
    question: str = ""


def control(shown: Sequence[Ranked]) -> Control:
    """The meta-actions for what a retrieval found.

    novelty = 1 − similarity of the nearest item; uncertainty = 1 − mean trust weighted by score; surprise = share of
    contradiction among the reports on these items, weighted by score.
    """
    living = [entry for entry in shown if entry.item.superseded_by is None]
    if not living:
        return Control(mode="explore", advice=_ADVICE["explore"], novelty=1.0, uncertainty=1.0, surprise=0.0)
    weight = sum(entry.score for entry in living)
    novelty = 1 - max(entry.similarity for entry in living)
    uncertainty = 1 - sum(entry.score * entry.item.evidence.trust for entry in living) / weight
    surprise = sum(entry.score * _contradicted(entry) for entry in living) / weight
    mode = _mode(living, uncertainty)
    return Control(
        mode=mode,
        advice=_ADVICE[mode],
        novelty=round(min(max(novelty, 0.0), 1.0), 2),
        uncertainty=round(uncertainty, 2),
        surprise=round(surprise, 2),
    )


def _mode(living: Sequence[Ranked], uncertainty: float) -> Mode:
    if uncertainty > _UNRELIABLE:
        return "explore"
    best = max(living, key=lambda entry: entry.score)
    contested = any(entry.item.status == "contested" for entry in living)
    if contested or best.item.status != "active" or uncertainty > _DOUBTFUL:
        return "verify"
    return "follow"


def _contradicted(entry: Ranked) -> float:
    evidence = entry.item.evidence
    reports = evidence.support + evidence.contradiction
    return evidence.contradiction / reports if reports else 0.0
