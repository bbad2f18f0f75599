"""Evidence: how reports change trust. Pure functions over probabilities.

A two-state filter per item (*right now* or not): the forward step of a hidden Markov model as in Bayesian knowledge
tracing (Corbett & Anderson 1994), with a hazard before the update as in Bayesian online change-point detection (Adams &
MacKay 2007), and a slip rate per agent as in Dawid & Skene (1979), learnt online. Every report is at once a noisy
observation of its neighbours, as far as it is sure which of them it contradicts. The heart is an asymmetry: a wrong
item is confirmed by chance only, so one confirmation by another agent outweighs many misses. Two ways to lose trust:
never confirmed (noise), expected and failing (change).

Beside each item's trust stands what is known of its lesson wherever it applies: one that agents call harmful, and that
nobody bears out again, is probably no longer right anywhere (a file that is gone).
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from fleetlore.kmu.constants import CONSTANTS, Constants
from fleetlore.kmu.reliability import initial_odds, reliability
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import Experience, Outcome

LEAST_TRUST = 0.01
MOST_TRUST = 0.99
CREDIBLE = 0.5  # credit from which a report is more likely right than not


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """An item near a reported task: its relevance r, its trust p, what it says, and whether another agent said it.

    `living` is the chance that its lesson is still right somewhere. `contradicts` only where it is sure that it and the
    reported lesson cannot both be right.
    """

    relevance: float
    trust: float
    lesson: str
    others: bool
    contradicts: bool
    living: float = 1.0

    @property
    def belief(self) -> float:
        """How far it counts: right here, as long as its lesson is right anywhere."""
        return self.trust * self.living


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighing:
    """What a report makes of its neighbours, and they of it.

    `credit` is P(the report is no slip), the trust of a new item; `borne_out` the same as the agent is judged by it;
    `expected` the share S of the votes for its lesson; `reliability` ρ, how far the agent is heard; `confirmation` a ρ,
    with a how often a near vote is confirmed; `shares` S by lesson; `trusts` what changes by neighbourhood; `slip` what
    the agent's slip rate was before it.
    """

    credit: float
    borne_out: float
    reliability: float
    expected: float
    confirmation: float
    shares: Mapping[str, float]
    trusts: Mapping[ItemId, float]
    slip: float
    experience: Experience


def weigh(
    lesson: str,
    neighbours: Mapping[ItemId, Neighbour],
    *,
    slip: float,
    outcome: Outcome,
    exclusive: bool,
    named: Collection[ItemId],
    experience: Experience,
    constants: Constants = CONSTANTS,
) -> Weighing:
    """Weighs a report of a lesson by an agent of slip rate `slip` against its neighbours.

    Items that the report names are not changed here: they are charged directly. `exclusive`: the lesson is of a form
    that lets one be sure what contradicts it.
    """
    near = list(neighbours.values())
    shares = shares_of([(n.lesson, n.relevance, n.belief) for n in near], constants=constants)
    heard = reliability(slip, constants)
    credit = _credit(
        vouched=_share(near, lambda n: n.others and n.lesson == lesson, constants),
        # What the agent itself said before vouches for nothing, and weakens no contradiction either.
        contradicted=_share([n for n in near if n.others or n.lesson != lesson], lambda n: n.contradicts, constants),
        odds=initial_odds(slip, constants, observed=outcome == "observation"),
        experience=experience,
        constants=constants,
    )
    confirmation = confirmation_of(experience, constants) * heard
    accusing = outcome != "observation"
    trusts = {}
    for item, neighbour in neighbours.items():
        if item in named:
            continue
        if neighbour.lesson == lesson and neighbour.others:
            trusts[item] = confirmed(neighbour.trust, neighbour.relevance, confirmation, constants)
        elif neighbour.contradicts and accusing:
            share = shares[neighbour.lesson]
            trusts[item] = failed(neighbour.trust, neighbour.relevance, share, credit * heard, confirmation, constants)
    return Weighing(
        credit=credit,
        borne_out=_borne_out(lesson, near, slip, experience, constants),
        reliability=heard,
        expected=shares.get(lesson, 0.0),
        confirmation=confirmation,
        shares=shares,
        trusts=trusts,
        slip=slip,
        experience=_experienced(experience, lesson, near, exclusive, heard, constants),
    )


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


def shares_of(
    votes: Collection[tuple[str, float, float]], weight: float = 1.0, constants: Constants = CONSTANTS
) -> dict[str, float]:
    """S: the share of each lesson in all votes r³ p, given (lesson, relevance r, trust p) of each voter.

    `weight` is that of evidence, the exponent of trust; votes take it only up to 1.
    """
    sums: dict[str, float] = {}
    for lesson, relevance, trust in votes:
        sums[lesson] = sums.get(lesson, 0.0) + math.pow(relevance, constants.vote) * math.pow(trust, min(weight, 1.0))
    total = sum(sums.values())
    return {lesson: votes / total for lesson, votes in sums.items()} if total else {}


def living(blames: int, experience: Experience, constants: Constants = CONSTANTS) -> float:
    """The chance that a lesson is right anywhere, which so many agents called harmful since it was last borne out.

    Each of them multiplies the odds by how often such a lesson was borne out again: in a world where several lessons
    compete that is nearly always, in one where what they speak of disappears hardly ever.
    """
    if blames == 0:
        return 1.0
    revived, blamed = constants.revived_prior
    likelihood = (revived + experience.revived) / (blamed + experience.blamed)
    odds = constants.living * min(likelihood, 1.0) ** blames
    return odds / (1 + odds)


def weight_of_evidence(experience: Experience, constants: Constants = CONSTANTS) -> float:
    """How much trust counts in a score, its exponent: the weight that would have foreseen most of the late reports.

    0 ranks by relevance alone. It is the bound on what learning can cost: where trust misleads, it loses its weight.
    """
    foreseen = dict(zip(constants.weights, experience.weights, strict=False))
    usual = foreseen.get(constants.usual_weight, 0.0)
    best = max(foreseen, key=lambda weight: foreseen[weight], default=constants.usual_weight)
    return best if foreseen and foreseen[best] >= usual + constants.lead else constants.usual_weight


def score(
    relevance: float, trust: float, agreement: float, weight: float = 1.0, constants: Constants = CONSTANTS
) -> float:
    """How much an item counts for a task: r² p S, with S its lesson's share of the votes relative to the leading one's.

    `weight` is that of evidence, the exponent of trust: 0 ranks by relevance alone.
    """
    consensus = math.pow(agreement, constants.consensus)
    return math.pow(relevance, constants.score) * math.pow(trust, weight) * consensus


def _share(near: Collection[Neighbour], counts: Callable[[Neighbour], bool], constants: Constants) -> float:
    """The share of those neighbours in all votes."""
    votes = [(math.pow(n.relevance, constants.vote) * n.belief, counts(n)) for n in near]
    total = sum(vote for vote, _ in votes)
    return sum(vote for vote, counted in votes if counted) / total if total else 0.0


def _borne_out(
    lesson: str, near: Collection[Neighbour], slip: float, experience: Experience, constants: Constants
) -> float:
    """P(the report is no slip) as its agent is judged by it.

    Agents who agree with nobody but each other would bear each other out; so the shares of other agents' votes count to
    the fourth power, and a minority hardly does.
    """
    shares = shares_of([(n.lesson, n.relevance, n.belief) for n in near if n.others], constants=constants)
    sharpened = {said: math.pow(share, constants.majority) for said, share in shares.items()}
    total = sum(sharpened.values()) or 1.0
    contrary = {n.lesson for n in near if n.others and n.contradicts}
    return _credit(
        vouched=sharpened.get(lesson, 0.0) / total,
        contradicted=sum(sharpened[said] for said in contrary) / total,
        odds=(1 - slip) / slip,
        experience=experience,
        constants=constants,
    )


def _credit(*, vouched: float, contradicted: float, odds: float, experience: Experience, constants: Constants) -> float:
    """c / (1 − c) = odds · (1 − (1 − v) · d + (1 − v) · s / q).

    `odds` are those before anybody else is asked. s is the share of other agents' votes for the lesson, d that of the
    votes against it: where nothing known speaks against it, silence does not either.
    """
    known = 1 - max(constants.least_novel, constants.novel_prior / (constants.novel_prior + experience.reports))
    posterior = odds * (1 - known * contradicted + known * vouched / constants.chance)
    return min(max(posterior / (1 + posterior), LEAST_TRUST), MOST_TRUST)


def confirmation_of(experience: Experience, constants: Constants = CONSTANTS) -> float:
    """a: how often a near, trusted vote is confirmed."""
    confirmed_prior, near_prior = constants.confirmed_prior
    return (confirmed_prior + experience.confirmed) / (near_prior + experience.near)


def _experienced(
    experience: Experience,
    lesson: str,
    near: Collection[Neighbour],
    exclusive: bool,
    heard: float,
    constants: Constants,
) -> Experience:
    """What one more report teaches: how often near votes are confirmed, and which weight of evidence foresaw it.

    It teaches as far as its agent is heard: nobody else is to say what evidence is worth.
    """
    experience = replace(experience, reports=experience.reports + 1)
    judged = [n for n in near if n.others and (n.contradicts or n.lesson == lesson)]
    if exclusive and (votes := sum(n.relevance * n.trust for n in judged)) > 0:
        agreeing = sum(n.relevance * n.trust for n in judged if n.lesson == lesson)
        experience = replace(
            experience,
            near=experience.near * constants.decay**heard + heard,
            confirmed=experience.confirmed * constants.decay**heard + heard * agreeing / votes,
        )
    if any(n.lesson == lesson for n in near):
        foreseen = experience.weights or (0.0,) * len(constants.weights)
        experience = replace(
            experience,
            weights=tuple(
                hits * constants.foreseen_decay**heard + heard * (_foreseen(near, weight, constants) == lesson)
                for hits, weight in zip(foreseen, constants.weights, strict=True)
            ),
        )
    return experience


def _foreseen(near: Collection[Neighbour], weight: float, constants: Constants) -> str:
    """The lesson that would lead with that weight of evidence."""
    shares = shares_of([(n.lesson, n.relevance, n.belief) for n in near], weight, constants)
    scores = dict.fromkeys(shares, 0.0)
    for n in near:
        scores[n.lesson] += score(n.relevance, n.belief, shares[n.lesson], weight, constants)
    return max(scores, key=lambda lesson: scores[lesson])
