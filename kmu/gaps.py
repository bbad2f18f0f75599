"""Gaps: sorts of tasks at which the fleet fails, or fares unpredictably, and knows nothing reliable. Pure.

A task lacked knowledge if it failed at first, if nothing was shown for it, or if that was not reliable (`explore`).
Such tasks are grouped by the leader algorithm (Hartigan, Clustering Algorithms, 1975): oldest first, each joins the
most similar leader within `REACH`, or becomes one. Every task then belongs to the nearest leader within reach, and
these are a gap as long as at least half of the latest `LATEST` of them lacked knowledge. Of N tasks, n in the gap:

    expected gain = n / N · (1 − (s + 1) / (a + 2)) · mean u

with s successes among the a outcomes of the latest (Laplace's rule of succession), and u how unpredictable each of
these was: the uncertainty of what was shown (1 for nothing), or how far the outcome was from what was expected,
(expected − outcome)², where that is more. It is the share of all tasks that could turn out better, at most.

Tasks may be private. A gap says of them only words that at least three of its tasks have in common (two of two), where
the same words by the same agent are one task; and an agent is told only those that it has used itself, here or in the
task that it asks about, or that two others have.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log
from typing import Literal

import numpy as np
import numpy.typing as npt

from fleetlore.kmu.lexicon import content_words
from fleetlore.storage.attempts import Attempt
from fleetlore.storage.identifiers import ReceiptId
from fleetlore.storage.records import AgentName

Vector = npt.NDArray[np.float32]

# On Banking77 tasks, groups within .5 have 64 % of one class and up to 60 of 2,000 tasks; .6: 79 % and 38; .4: 49 %.
REACH = 0.5
LATEST = 20
_LEAST_TASKS = 2
_LEAST_SHARED = 3
_LEAST_USERS = 2
_WORDS = 4
_LONGEST_WORD = 24
# What is left of contractions: "don't" is don and t.
_REMNANTS = frozenset(("don", "didn", "doesn", "isn", "wasn", "won", "couldn", "haven", "hasn", "ve", "ll", "re"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What counts of one attempt: its words and vector, and how it went; `unpredictable` is u."""

    receipt: ReceiptId
    agent: AgentName
    words: frozenset[str]
    vector: Vector = field(repr=False, compare=False)
    lacking: bool
    outcome: Literal["success", "failure"] | None
    unpredictable: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A sort of tasks. `example` is the receipt of its latest failure, if any.

    `words` are its most distinctive ones, each with the agents in whose tasks it stands. `id` stays the same as long
    as its oldest task is among those looked at. `centre` is that task's vector.
    """

    id: str
    words: Mapping[str, frozenset[AgentName]]
    tasks: int
    failures: int
    expected_gain: float
    example: ReceiptId
    centre: Vector = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """What it is called."""
        return ", ".join(self.words)

    @property
    def question(self) -> str:
        """What an agent is asked whose task could settle it."""
        trouble = "often fails at" if self.failures else "knows little about"
        return f"The fleet {trouble} tasks about “{self.name}”: what makes them work? Report what you learn."


def told(gap: Gap, agent: AgentName, task: frozenset[str] = frozenset()) -> Gap | None:
    """What an agent may know of a gap whose own task has these words; None where that is nothing."""
    words = {
        word: users for word, users in gap.words.items() if word in task or agent in users or len(users) >= _LEAST_USERS
    }
    return replace(gap, words=words) if words else None


def words_of(text: str) -> frozenset[str]:
    """The words of a task that could name a gap."""
    return frozenset(word for word in content_words(text) - _REMNANTS if 1 < len(word) <= _LONGEST_WORD)


def task_of(attempt: Attempt, *, words: frozenset[str], vector: Vector) -> Task:
    """An attempt as it counts here; `vector` is of length 1."""
    states: Mapping[str, float] = attempt.control.get("states", {})
    unpredictable = states.get("uncertainty", 1.0) if attempt.shown else 1.0
    if attempt.outcome is not None:
        missed: float = attempt.control.get("expected", 0.0) - (attempt.outcome == "success")
        unpredictable = max(unpredictable, missed**2)
    return Task(
        receipt=attempt.receipt,
        agent=attempt.agent,
        words=words,
        vector=vector,
        lacking=attempt.outcome == "failure" or not attempt.shown or attempt.mode == "explore",
        outcome=attempt.outcome,
        unpredictable=unpredictable,
    )


def gaps(tasks: Sequence[Task]) -> tuple[Gap, ...]:
    """The gaps among these tasks, which come oldest first; those first of which most is to be gained."""
    leaders = _leaders(tasks)
    groups: dict[int, list[Task]] = {}
    if leaders:
        centres = np.stack([leader.vector for leader in leaders])
        for task in tasks:
            if (nearest := _nearest(centres, task.vector)) is not None:
                groups.setdefault(nearest, []).append(task)
    shares = Counter(word for task in tasks for word in task.words)
    found = [
        gap
        for number, members in groups.items()
        if (gap := _gap(leaders[number], members, shares, len(tasks))) is not None
    ]
    return tuple(sorted(found, key=lambda gap: (-gap.expected_gain, gap.id)))


def gap_of(found: Sequence[Gap], vector: Vector) -> Gap | None:
    """The gap that a task of this vector could settle, if there is one."""
    nearest = _nearest(np.stack([gap.centre for gap in found]), vector) if found else None
    return None if nearest is None else found[nearest]


def _leaders(tasks: Sequence[Task]) -> list[Task]:
    leaders: list[Task] = []
    lacking = [task for task in tasks if task.lacking]
    if not lacking:
        return leaders
    centres = np.empty((len(lacking), len(lacking[0].vector)), dtype=np.float32)
    for task in lacking:
        if _nearest(centres[: len(leaders)], task.vector) is None:
            centres[len(leaders)] = task.vector
            leaders.append(task)
    return leaders


def _nearest(centres: Vector, vector: Vector) -> int | None:
    if not len(centres):
        return None
    similarities = centres @ vector
    nearest = int(similarities.argmax())
    return nearest if similarities[nearest] >= REACH else None


def _gap(leader: Task, members: Sequence[Task], everywhere: Counter[str], tasks: int) -> Gap | None:
    latest = members[-LATEST:]
    words = _words(members, everywhere, tasks)
    if not words or 2 * sum(task.lacking for task in latest) < len(latest):
        return None
    outcomes = [task.outcome for task in latest if task.outcome is not None]
    success = (outcomes.count("success") + 1) / (len(outcomes) + 2)
    unpredictable = sum(task.unpredictable for task in latest) / len(latest)
    failed = [task.receipt for task in members if task.outcome == "failure"]
    return Gap(
        id=f"g_{hashlib.sha256(leader.receipt.encode()).hexdigest()[:12]}",
        words=words,
        tasks=len(members),
        failures=len(failed),
        expected_gain=round(len(members) / tasks * (1 - success) * unpredictable, 5),
        example=failed[-1] if failed else members[-1].receipt,
        centre=leader.vector,
    )


def _words(members: Sequence[Task], everywhere: Counter[str], tasks: int) -> dict[str, frozenset[AgentName]]:
    """The words that most of the members share and few others have, at most four, and who used them."""
    different = {(task.agent, task.words) for task in members}
    within = Counter(word for _, words in different for word in words)
    weights = {
        word: count / len(different) * log(1 + count / len(different) / (everywhere[word] / tasks))
        for word, count in within.items()
        if count >= min(_LEAST_SHARED, max(len(different), _LEAST_TASKS))
    }
    best = sorted(weights, key=lambda word: (-weights[word], word))[:_WORDS]
    return {word: frozenset(task.agent for task in members if word in task.words) for word in best}
