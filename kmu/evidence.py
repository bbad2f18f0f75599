"""Evidence: how a report changes the trust of an item. Pure functions over probabilities.

The form is the two-state filter (*right now* or not) of `docs/design.md`: a forward step of a hidden Markov model as in
Bayesian knowledge tracing (Corbett & Anderson 1994) with a hazard before the update as in Bayesian online change-point
detection (Adams & MacKay 2007). Its heart is an asymmetry: an item that is wrong is confirmed by chance only, so one
confirmation by another agent outweighs many misses.
"""

import math
from dataclasses import dataclass
from typing import Literal

from fleetlore.storage.records import Outcome

LEAST_TRUST = 0.01
MOST_TRUST = 0.99


@dataclass(frozen=True, kw_only=True, slots=True)
class Constants:
    """The numbers of the rule, with the symbols that the design uses."""

    slip: float = 0.2  # e: chance that a report is a slip
    confirmed: float = 0.2  # a: how often a near, trusted item is confirmed
    chance: float = 0.02  # q: chance that an unrelated report agrees
    hazard: float = 0.9  # how far an expected item that fails makes a change of the world likely
    blamed: float = 0.5  # how much of its odds an item loses that a report calls harmful
    shared: float = 0.3  # log-odds that an outcome without names shares out among the items shown
    observed: float = 0.65  # credit of what was learnt by watching


CONSTANTS = Constants()


def credit(outcome: Outcome, constants: Constants = CONSTANTS) -> float:
    """The trust with which a new item starts: P(its report is no slip)."""
    return constants.observed if outcome == "observation" else 1 - constants.slip


def confirmed(trust: float, relevance: float, constants: Constants = CONSTANTS) -> float:
    """Another agent found the item right: odds · (1 − a r + a r / q)."""
    weight = constants.confirmed * relevance
    return _from_log_odds(log_odds(trust) + math.log(1 - weight + weight / constants.chance))


def contradicted(trust: float, relevance: float, share: float, constants: Constants = CONSTANTS) -> float:
    """A report named the item as harmful.

    First the hazard, p · (1 − h r S²): it was expected (`share` S of all votes) and fails, so the world may have
    turned. Then the evidence itself, odds · (1 − b r).
    """
    predicted = trust * (1 - constants.hazard * relevance * share**2 * (1 - constants.slip))
    return _from_log_odds(log_odds(predicted) + math.log(1 - constants.blamed * relevance))


def shared(trust: float, sign: Literal[-1, 1], share: float, constants: Constants = CONSTANTS) -> float:
    """An outcome without names: each item shown gains or loses by its share of the votes, weakly."""
    return _from_log_odds(log_odds(trust) + sign * constants.shared * share)


def moved(trust: float, delta: float) -> float:
    """Trust after its log-odds move by `delta`."""
    return _from_log_odds(log_odds(trust) + delta)


def log_odds(trust: float) -> float:
    """ln(p / (1 − p)), p within the bounds of trust."""
    bounded = min(max(trust, LEAST_TRUST), MOST_TRUST)
    return math.log(bounded / (1 - bounded))


def _from_log_odds(value: float) -> float:
    return min(max(1 / (1 + math.exp(-value)), LEAST_TRUST), MOST_TRUST)
