"""Numbers that are moved by the difference of two others; where these are equal, nothing moves at all. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from fleetlore.kmu.evidence import CONSTANTS
from fleetlore.storage.records import Experience


def slip_moved(slip: float, before: float, after: float) -> float:
    """A slip rate, within bounds."""
    if before == after:
        return slip
    return min(max(slip + after - before, CONSTANTS.least_slip), CONSTANTS.most_slip)


def experience_moved(actual: Experience, before: Experience, after: Experience) -> Experience:
    """What reports taught about reports; no sum falls below nothing."""
    names = ("reports", "near", "confirmed", "blamed", "revived", "surprise")
    sums = {name: _moved(getattr(actual, name), getattr(before, name), getattr(after, name)) for name in names}
    return replace(
        actual,
        **sums,
        weights=_all_moved(actual.weights, before.weights, after.weights),
        foreseen=tuple(
            (_moved(outcomes, old[0], new[0]), _moved(successes, old[1], new[1]))
            for (outcomes, successes), old, new in zip(
                actual.foreseen,
                before.foreseen or _none(actual),
                after.foreseen or _none(actual),
                strict=True,
            )
        ),
    )


def _moved(actual: float, before: float, after: float) -> float:
    return actual if before == after else max(0.0, actual + (after - before))


def _all_moved(actual: Sequence[float], before: Sequence[float], after: Sequence[float]) -> tuple[float, ...]:
    nothing = (0.0,) * len(actual)
    return tuple(map(_moved, actual, before or nothing, after or nothing))


def _none(actual: Experience) -> tuple[tuple[float, float], ...]:
    return ((0.0, 0.0),) * len(actual.foreseen)
