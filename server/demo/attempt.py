"""What came of the demo's tasks: one attempt, one lesson, and what they add up to. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from fleetlore.server.demo.world import Task, World

_BLOCKS = 24  # of the learning curve

Quarter = Literal["first", "last"]
QUARTERS: tuple[Quarter, ...] = ("first", "last")


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """What an item says and who said it first: that the `remedy` works for the trouble of that task."""

    task: Task
    remedy: str

    @property
    def agent(self) -> str:
        """Who stated it."""
        return self.task.agent

    @property
    def was_right(self) -> bool:
        """Whether it was right when it was stated; only the world knows."""
        return self.remedy == self.task.right


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One task as it went, by the server's answers.

    `followed` are the items that spoke for what was tried `first`, `borne_out` the active ones of all shown, `tries`
    how many remedies it took until one worked. `stated` is the lesson, "" where there was none or no report, and
    `decisions` what the server made of it.
    """

    task: Task
    mode: str
    shown: int
    first: str
    followed: tuple[str, ...]
    borne_out: frozenset[str]
    tries: int
    reported: bool
    careless: bool
    stated: str
    decisions: tuple[str, ...]

    @property
    def solved(self) -> bool:
        """Whether the first try was right."""
        return self.tries == 1

    @property
    def guessed(self) -> bool:
        """Whether the agent would have been right at the first try without a memory."""
        return self.task.guesses[0] == self.task.right

    @property
    def spared(self) -> bool:
        """Whether the memory spared the agent a failure: its own first try would have been another, and wrong."""
        return self.solved and not self.guessed

    @property
    def misled(self) -> bool:
        """Whether the agent did first what the memory said, and that was wrong."""
        return bool(self.followed) and not self.solved

    @property
    def tries_alone(self) -> int:
        """How many tries it would have taken without a memory."""
        return self.task.guesses.index(self.task.right) + 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """One item at the end as the server has it, who stated it, and whether it is right now; only the world knows."""

    agent: str
    right: bool
    confidence: float
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """How many of how many."""

    count: int
    of: int

    def __str__(self) -> str:
        return f"{self.count} of {self.of}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """What a demo came to, or comes to so far; `receipts` are those that were answered, as the server counts."""

    world: World
    attempts: Sequence[Attempt]
    lessons: Sequence[Lesson] = ()
    receipts: Share = Share(count=0, of=0)

    def solved(self, quarter: Quarter) -> Share:
        """Tasks of a quarter that were solved at the first try."""
        part = self._quarter(quarter)
        return Share(count=sum(attempt.solved for attempt in part), of=len(part))

    def guessed(self, quarter: Quarter) -> Share:
        """The same, had each agent gone by its own guess."""
        part = self._quarter(quarter)
        return Share(count=sum(attempt.guessed for attempt in part), of=len(part))

    @property
    def spared(self) -> int:
        """How many failures agents were spared."""
        return sum(attempt.spared for attempt in self.attempts)

    @property
    def misled(self) -> Share:
        """How often what the memory said was wrong, of how often an agent went by it."""
        followed = [attempt for attempt in self.attempts if attempt.followed]
        return Share(count=sum(attempt.misled for attempt in followed), of=len(followed))

    @property
    def cost(self) -> int:
        """How many first tries failed that would have been right without the memory."""
        return sum(attempt.guessed and not attempt.solved for attempt in self.attempts)

    @property
    def tries(self) -> int:
        """All tries there were."""
        return sum(attempt.tries for attempt in self.attempts)

    @property
    def tries_alone(self) -> int:
        """All tries there would have been without a memory."""
        return sum(attempt.tries_alone for attempt in self.attempts)

    @property
    def curve(self) -> list[float]:
        """The share of tasks solved at the first try, window after window."""
        return _windows([attempt.solved for attempt in self.attempts], len(self.world.tasks))

    @property
    def curve_alone(self) -> list[float]:
        """The same by the agents' own guesses."""
        return _windows([attempt.guessed for attempt in self.attempts], len(self.world.tasks))

    def of(self, agent: str) -> list[Lesson]:
        """The lessons that an agent was the first to state."""
        return [lesson for lesson in self.lessons if lesson.agent == agent]

    def _quarter(self, quarter: Quarter) -> Sequence[Attempt]:
        size = len(self.world.tasks) // 4
        return self.attempts[:size] if quarter == "first" else self.attempts[-size:]


def trust(lessons: Sequence[Lesson], *, right: bool) -> float | None:
    """The mean confidence in the lessons that are right now, or in those that are not; None where there are none."""
    return fmean(found) if (found := [one.confidence for one in lessons if one.right == right]) else None


def _windows(hits: Sequence[bool], tasks: int) -> list[float]:
    size = max(1, -(-tasks // _BLOCKS))
    return [fmean(hits[start : start + size]) for start in range(0, len(hits), size)]
