"""Reliability: how far an agent is heard, by its slip rate e. Pure.

An agent whose reports others mostly bear out is heard in full: that its slip rate is .02 or .4 makes no difference to
what its word does to others' items. Of one whose reports are mostly not borne out, whatever its word would do (confirm,
object, teach what evidence is worth) counts less, and soon next to nothing: no such agent decides anything, however
often it speaks. A new name starts where the latest new names of the fleet have come to: whoever takes name after name
is heard no longer either.
"""

from collections.abc import Sequence

from fleetlore.kmu.constants import CONSTANTS, Constants

HEARD = 0.5  # reliability from which an agent counts where agents are counted


def reliability(slip: float, constants: Constants = CONSTANTS) -> float:
    """ρ = min(1, (1 − e) / e)²: 1 up to even odds, .18 at .7, .01 at .9."""
    return float(min(1.0, (1 - slip) / slip) ** constants.unheard)


def counts(slip: float) -> bool:
    """Whether the agent counts as one that backs, objects or blames."""
    return reliability(slip) >= HEARD


def slip_of_newcomer(latest: Sequence[float], constants: Constants = CONSTANTS) -> float:
    """The slip rate of a new name: the mean of the latest new names', but no less than the first agents' was.

    Where there were fewer new names than are asked for, the rest counts as first agents.
    """
    unknown = constants.newcomers - len(latest)
    return max(constants.slip, (sum(latest) + unknown * constants.slip) / constants.newcomers)


def initial_odds(slip: float, constants: Constants = CONSTANTS, *, observed: bool = False) -> float:
    """The odds that a report is no slip before others are asked: ρ (1 − e) / e, with e no more than a first agent's.

    When the world turns under noise, everybody's reports fail for a while; they must be credited to be learnt from.
    `observed`: what was learnt by watching has a slip rate of its own.
    """
    usual = constants.observed if observed else min(slip, constants.slip)
    return reliability(slip, constants) * (1 - usual) / usual


def slip_after(slip: float, borne_out: float, constants: Constants = CONSTANTS) -> float:
    """The agent's slip rate after a report that was borne out so far: e + (1 − c − e) / 50, within bounds."""
    moved_slip = slip + (1 - borne_out - slip) * constants.slip_rate
    return min(max(moved_slip, constants.least_slip), constants.most_slip)
