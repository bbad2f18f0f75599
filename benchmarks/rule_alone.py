"""The evidence rule without a server: the deciding functions, and the numbers that the ledger would keep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from heapq import nlargest

from intents import Step
from legs_of_stream import Neighbours

from fleetlore.kmu import evidence
from fleetlore.kmu.constants import Constants
from fleetlore.kmu.evidence import Neighbour
from fleetlore.kmu.reliability import counts, slip_after
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import Experience

SHOWN = 8


def accuracy(steps: Sequence[Step], near: Sequence[Neighbours], constants: Constants) -> list[bool]:
    """Replay a stream: each task is answered from what lies near it, then reported on. Returns which were right."""
    trusts: list[float] = []
    slips: dict[str, float] = {}
    blames: dict[str, set[str]] = defaultdict(set)
    experience = Experience()
    hits = []
    for step, found in zip(steps, near, strict=True):
        living = {
            steps[place].revealed: evidence.living(len(blames[steps[place].revealed]), experience, constants)
            for place, _ in found
        }
        neighbours = {
            ItemId(str(place)): Neighbour(
                relevance=relevance,
                trust=trusts[place],
                lesson=steps[place].revealed,
                others=steps[place].agent != step.agent,
                contradicts=steps[place].revealed != step.revealed,
                living=living[steps[place].revealed],
            )
            for place, relevance in found
        }
        answer = _answer(list(neighbours.values()), evidence.weight_of_evidence(experience, constants), constants)
        hits.append(answer == step.intent)
        slip = slips.get(step.agent, constants.slip)
        weighing = evidence.weigh(
            step.revealed,
            neighbours,
            slip=slip,
            outcome="success" if answer == step.revealed else "failure",
            exclusive=True,
            named=(),
            experience=experience,
            constants=constants,
        )
        for item, trust in weighing.trusts.items():
            trusts[int(item)] = trust
        trusts.append(weighing.credit)
        slips[step.agent] = slip_after(slip, weighing.borne_out, constants)
        experience = weighing.experience
        if answer not in ("", step.revealed) and counts(slip):
            new = step.agent not in blames[answer]
            blames[answer].add(step.agent)
            experience = replace(experience, blamed=experience.blamed + new)
        if weighing.credit >= evidence.CREDIBLE:
            experience = replace(experience, revived=experience.revived + len(blames[step.revealed]))
            blames[step.revealed].clear()
    return hits


def _answer(near: Sequence[Neighbour], weight: float, constants: Constants) -> str:
    """The lesson with the largest sum of scores among the items shown; "" where nothing is near."""
    shares = evidence.shares_of([(n.lesson, n.relevance, n.belief) for n in near], weight, constants)
    leading = max(shares.values(), default=1.0)
    scores = [
        (evidence.score(n.relevance, n.belief, shares[n.lesson] / leading, weight, constants), n.lesson) for n in near
    ]
    votes: dict[str, float] = defaultdict(float)
    for score, lesson in nlargest(SHOWN, scores):
        votes[lesson] += score
    return max(votes, key=votes.__getitem__, default="")
