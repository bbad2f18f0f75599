"""Foresight: how good a prospect looks, what comes of it, and how surprising that is. Pure.

What is expected of an outcome is calibrated by what came of such prospects before: the share of successes in the same
band, starting from the prospect itself (a running reliability curve; DeGroot & Fienberg 1983). Surprise is a one-sided
cumulative sum of how much worse than expected outcomes are (Page 1954): it stays near zero while the world is as it
was, and climbs by a step a report after it has turned.
"""

from dataclasses import replace

from fleetlore.storage.records import Experience

BANDS = 10
_PRIOR = 8.0  # outcomes that a band's own prospect weighs
_DECAY = 0.99  # of a band's counts, an outcome in it
_ALLOWANCE = 0.15  # how much worse than expected is no surprise, on average
ALARM = 8.0  # sum at which surprise is a half: a fall of the success rate by .4 is there after 30 reports


def expected(prospect: float, experience: Experience) -> float:
    """The probability of success, given how good the prospect looks (both in [0, 1])."""
    outcomes, successes = _band(prospect, experience)
    return (successes + _PRIOR * prospect) / (outcomes + _PRIOR)


def surprise(experience: Experience) -> float:
    """How much worse than expected the fleet fares of late, in [0, 1); a half is an alarm."""
    return experience.surprise / (experience.surprise + ALARM)


def learnt(experience: Experience, *, prospect: float, foreseen: float, success: bool) -> Experience:
    """What one more outcome teaches, of which `foreseen` was the expected probability of success."""
    bands = list(experience.foreseen) or [(0.0, 0.0)] * BANDS
    outcomes, successes = bands[_number(prospect)]
    bands[_number(prospect)] = (round(outcomes * _DECAY + 1, 4), round(successes * _DECAY + success, 4))
    # After an alarm the sum must be able to fall again as soon as things go as expected.
    risen = min(max(0.0, experience.surprise + foreseen - success - _ALLOWANCE), 2 * ALARM)
    return replace(experience, foreseen=tuple(bands), surprise=round(risen, 4))


def _band(prospect: float, experience: Experience) -> tuple[float, float]:
    return experience.foreseen[_number(prospect)] if experience.foreseen else (0.0, 0.0)


def _number(prospect: float) -> int:
    return min(int(prospect * BANDS), BANDS - 1)
