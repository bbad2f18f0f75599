"""Evidence: how reports change trust. Pure functions over probabilities.

A two-state filter per item (*right now* or not): the forward step of a hidden Markov model as in Bayesian knowledge
tracing (Corbett & Anderson 1994), with a hazard before the update as in Bayesian online change-point detection (Adams &
MacKay 2007), and a slip rate per agent as in Dawid & Skene (1979), learnt online. Every report is at once a noisy
observation of its neighbours. The heart is an asymmetry: a wrong item is confirmed by chance only, so one confirmation
by another agent outweighs many misses. Two ways to lose trust: never confirmed (noise), expected and failing (change).
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import Experience, Outcome

LEAST_TRUST = 0.01
MOST_TRUST = 0.99


@dataclass(frozen=True, kw_only=True, slots=True)
class Constants:
    """The numbers of the rule, with the symbols that `docs/design.md` uses."""

    slip: float = 0.2  # e of an agent of whom nothing is known yet
    least_slip: float = 0.02
    most_slip: float = 0.9
    slip_rate: float = 0.01  # how fast e follows what is seen of the agent
    chance: float = 0.02  # q: chance that an unrelated report agrees
    least_novel: float = 0.1  # least v: chance that a task brings a lesson not known yet
    novel_prior: float = 100.0  # reports that the prior of v weighs
    confirmed_prior: tuple[float, float] = (4.0, 20.0)  # a: confirmed votes of all trusted near votes
    decay: float = 0.999  # of a's sums, a report
    hazard: float = 0.9  # how likely an expected item that fails makes a change of the world
    observed: float = 0.35  # slip rate of what was learnt by watching
    shared: float = 0.3  # log-odds that an outcome without names shares out among the items shown


CONSTANTS = Constants()


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """An item near a reported task: its relevance r, its trust p, what it says, and whether another agent said it.

    `contradicts` only where it is sure that it and the reported lesson cannot both be right.
    """

    relevance: float
    trust: float
    lesson: str
    others: bool
    contradicts: bool

    @property
    def vote(self) -> float:
        """w = r³ p."""
        return self.relevance**3 * self.trust


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighing:
    """What a report makes of its neighbours, and they of it.

    `credit` is P(the report is no slip), the trust of a new item; `expected` the share S of the votes for its lesson;
    `confirmation` a, how often a near vote is confirmed; `shares` S by lesson; `trusts` what changes by neighbourhood.
    """

    credit: float
    expected: float
    confirmation: float
    shares: Mapping[str, float]
    trusts: Mapping[ItemId, float]
    experience: Experience


def weigh(
    lesson: str,
    neighbours: Mapping[ItemId, Neighbour],
    *,
    slip: float,
    outcome: Outcome,
    novel: bool,
    named: Collection[ItemId],
    experience: Experience,
    constants: Constants = CONSTANTS,
) -> Weighing:
    """Weighs a report of a lesson by an agent of slip rate `slip` against its neighbours.

    Items that the report names are not changed here: they are charged directly. `novel`: nothing known says the same.
    """
    votes: dict[str, float] = {}
    for neighbour in neighbours.values():
        votes[neighbour.lesson] = votes.get(neighbour.lesson, 0.0) + neighbour.vote
    total = sum(votes.values())
    shares = {said: vote / total for said, vote in votes.items()} if total else {}
    vouched = sum(n.vote for n in neighbours.values() if n.others and n.lesson == lesson) / total if total else 0.0
    credit = _credit(vouched, slip if outcome != "observation" else constants.observed, experience, constants)
    confirmation = _confirmation(experience, constants)
    accusing = outcome != "observation"
    trusts = {}
    for item, neighbour in neighbours.items():
        if item in named:
            continue
        if neighbour.lesson == lesson and neighbour.others:
            trusts[item] = confirmed(neighbour.trust, neighbour.relevance, confirmation, constants)
        elif neighbour.contradicts and accusing:
            share = shares[neighbour.lesson]
            trusts[item] = failed(neighbour.trust, neighbour.relevance, share, credit, confirmation, constants)
    return Weighing(
        credit=credit,
        expected=shares.get(lesson, 0.0),
        confirmation=confirmation,
        shares=shares,
        trusts=trusts,
        experience=_experienced(experience, lesson, neighbours.values(), novel, constants),
    )


def slip_after(slip: float, credit: float, constants: Constants = CONSTANTS) -> float:
    """The agent's slip rate after a report of that credit: e + (1 − c − e) / 100, within bounds."""
    moved_slip = slip + (1 - credit - slip) * constants.slip_rate
    return min(max(moved_slip, constants.least_slip), constants.most_slip)


def confirmed(trust: float, relevance: float, confirmation: float, constants: Constants = CONSTANTS) -> float:
    """Another agent found the item right: odds · (1 − a r + a r / q)."""
    weight = confirmation * relevance
    return moved(trust, math.log(1 - weight + weight / constants.chance))


def failed(
    trust: float,
    relevance: float,
    share: float,
    credit: float,
    confirmation: float,
    constants: Constants = CONSTANTS,
) -> float:
    """A credible report says otherwise.

    First the prediction, p · (1 − h r S² c): expected (`share` S of all votes), near and contradicted, so the world may
    have turned. Then the update, odds · (1 − a r): not confirmed.
    """
    predicted = trust * (1 - constants.hazard * relevance * share**2 * credit)
    return moved(predicted, math.log(1 - min(confirmation * relevance, 0.99)))


def shared(trust: float, sign: Literal[-1, 1], share: float, constants: Constants = CONSTANTS) -> float:
    """An outcome without names: each item shown gains or loses by its share of the votes, weakly."""
    return moved(trust, sign * constants.shared * share)


def moved(trust: float, delta: float) -> float:
    """Trust after its log-odds move by `delta`."""
    value = log_odds(trust) + delta
    return min(max(1 / (1 + math.exp(-value)), LEAST_TRUST), MOST_TRUST)


def log_odds(trust: float) -> float:
    """ln(p / (1 − p)), p within the bounds of trust."""
    bounded = min(max(trust, LEAST_TRUST), MOST_TRUST)
    return math.log(bounded / (1 - bounded))


def _credit(vouched: float, slip: float, experience: Experience, constants: Constants) -> float:
    """c / (1 − c) = (1 − e) / e · (v + (1 − v) · s / q), with s the share of other agents' votes for the lesson."""
    prior = constants.novel_prior
    novel = max(constants.least_novel, (prior + experience.novel) / (prior + experience.reports))
    odds = (1 - slip) / slip * (novel + (1 - novel) * vouched / constants.chance)
    return min(max(odds / (1 + odds), LEAST_TRUST), MOST_TRUST)


def _confirmation(experience: Experience, constants: Constants) -> float:
    confirmed_prior, near_prior = constants.confirmed_prior
    return (confirmed_prior + experience.confirmed) / (near_prior + experience.near)


def _experienced(
    experience: Experience, lesson: str, neighbours: Collection[Neighbour], novel: bool, constants: Constants
) -> Experience:
    """The running mean of how often a near, trusted vote of another agent is confirmed moves by one report."""
    judged = [n for n in neighbours if n.others and (n.contradicts or n.lesson == lesson)]
    near = sum(n.relevance * n.trust for n in judged)
    agreeing = sum(n.relevance * n.trust for n in judged if n.lesson == lesson)
    experience = replace(experience, reports=experience.reports + 1, novel=experience.novel + novel)
    if near == 0:
        return experience
    return replace(
        experience,
        near=experience.near * constants.decay + 1,
        confirmed=experience.confirmed * constants.decay + agreeing / near,
    )
