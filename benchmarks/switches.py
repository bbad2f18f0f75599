"""Ways to tell, before each task, whether something has changed, and whether to follow what is known or to check it.

All are pure functions of a trace and, but for the oracle, look only at tasks that are over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from traces import Moment, Trace

from fleetlore.kmu.control import ALARMING
from fleetlore.kmu.foresight import learnt, surprise
from fleetlore.storage.records import NO_EXPERIENCE

LAST = 50
RATES = (0.5, 0.6, 0.7)
ORACLE_BLOCK = 100

Marks = tuple[bool, ...]
"""One for each task of a trace."""


def by_surprise(trace: Trace) -> Marks:
    """The controller's own alarm."""
    return tuple(moment.surprise >= ALARMING for moment in trace.moments)


def by_prospect(trace: Trace) -> Marks:
    """The same sum without calibration: what is expected is how good the chances look."""
    experience, marks = NO_EXPERIENCE, []
    for moment in trace.moments:
        marks.append(surprise(experience) >= ALARMING)
        if moment.shown:
            experience = learnt(experience, prospect=moment.prospect, foreseen=moment.prospect, success=moment.success)
    return tuple(marks)


def below(rate: float) -> Callable[[Trace], Marks]:
    """Make a switch that is on while fewer than this share of the last tasks succeeded."""

    def marks(trace: Trace) -> Marks:
        return tuple(bool(past) and sum(past) < rate * len(past) for past in pasts(trace.moments))

    return marks


def never(trace: Trace) -> Marks:
    return (False,) * len(trace.moments)


def always(trace: Trace) -> Marks:
    return (True,) * len(trace.moments)


def from_the_turn(trace: Trace) -> Marks:
    """The oracle's alarm: on for one block after each change."""
    return tuple(any(turn <= n < turn + ORACLE_BLOCK for turn in trace.turns) for n in range(len(trace.moments)))


def by_mode(trace: Trace) -> Marks:
    """Check unless the controller says `follow`."""
    return tuple(moment.mode != "follow" for moment in trace.moments)


def doubting(name: str, cost: float) -> Callable[[Trace], Marks]:
    """Make a switch that checks where a number of the controller promises less than a check is worth."""
    return lambda trace: tuple(1 - getattr(moment, name) > cost for moment in trace.moments)


def oracle(cost: float) -> Callable[[Trace], Marks]:
    """Make the oracle: it knows when the world changes, and the share of successes in each block between changes."""

    def marks(trace: Trace) -> Marks:
        found: list[bool] = []
        for start, end in pairwise((0, *trace.turns, len(trace.moments))):
            for first in range(start, end, ORACLE_BLOCK):
                block = trace.moments[first : min(first + ORACLE_BLOCK, end)]
                failed = sum(not moment.success for moment in block)
                found += [failed > cost * len(block)] * len(block)
        return tuple(found)

    return marks


def pasts(moments: Sequence[Moment]) -> list[list[bool]]:
    """Return, for each task, how the last ones went for which something was shown."""
    past: list[bool] = []
    found = []
    for moment in moments:
        found.append(past[-LAST:])
        if moment.shown:
            past.append(moment.success)
    return found


DETECTORS: Mapping[str, Callable[[Trace], Marks]] = {
    "fleetlore": by_surprise,
    "no calibration": by_prospect,
    **{f"last {LAST} below {rate}": below(rate) for rate in RATES},
    "never": never,
    "oracle": from_the_turn,
}


def checkers(cost: float) -> Mapping[str, Callable[[Trace], Marks]]:
    """Who decides whether to check, at this cost of a check."""
    return {
        "always follow": never,
        "always check": always,
        f"last {LAST}": below(1 - cost),
        "no calibration": doubting("prospect", cost),
        "fleetlore's mode": by_mode,
        "fleetlore's expectation": doubting("expected", cost),
        "oracle": oracle(cost),
    }
