"""Banking77 as a stream of tasks: an utterance comes to an agent, which must name its intent.

The stream is pure: it knows neither memories nor answers. A condition (see `conditions.py`) is a function from steps to
steps put behind it, which changes what is right and what is revealed, never which utterance comes to whom.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from memory import Feedback, Retrieval
from task import Answer, Claim
from wordings import meaning, state


class Classes(StrEnum):
    """Which classes of the data are used: all, or one of two fixed halves, to tune on one and measure on the other."""

    ALL = "all"
    EVEN = "even"
    ODD = "odd"


@dataclass(frozen=True, kw_only=True, slots=True)
class Utterance:
    text: str
    intent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One task for one agent. `origin` is the class of the utterance in the data, and never changes.

    `world` says how each class is called at this time; `revealed` is what the agent is told, `wording` how it says so.
    """

    agent: str
    text: str
    origin: str
    world: Mapping[str, str]
    revealed: str
    wording: int
    project: str = ""

    @property
    def intent(self) -> str:
        """What is right now."""
        return self.world[self.origin]

    def answer(self, shown: Retrieval) -> Answer:
        """Name the intent with the largest sum of scores; nothing shown, nothing answered."""
        return tuple(shown.ranked(meaning)[:1])

    def hit(self, answer: Answer) -> bool:
        return answer == (self.intent,)

    def feedback(self, shown: Retrieval, answer: Answer) -> tuple[Feedback, ...]:
        """Report as an agent that was told the revealed intent: which items named it, which misled."""
        right = answer == (self.revealed,)
        return (
            Feedback(
                task=self.text,
                outcome="success" if right else "failure",
                insight=state(self.revealed, self.wording),
                applies_when=self.text,
                kind="fact",
                agent=self.agent,
                receipt=shown.receipt,
                helpful=shown.ids(meaning, (self.revealed,)),
                harmful=() if right else shown.ids(meaning, answer),
            ),
        )

    def claim(self, insight: str) -> Claim:
        return (self.origin, meaning(insight) or "")

    def right(self, claim: Claim) -> bool:
        origin, intent = claim
        return self.world[origin] == intent


def read_utterances(folder: Path, classes: Classes) -> tuple[Utterance, ...]:
    """Read the training and the test part; nothing is trained here, so both belong to one pool."""
    pool: list[Utterance] = []
    for name in ("train.csv", "test.csv"):
        with (folder / name).open(newline="", encoding="utf-8") as lines:
            pool.extend(Utterance(text=row["text"], intent=row["category"]) for row in csv.DictReader(lines))
    names = intents(pool)
    match classes:
        case Classes.ALL:
            return tuple(pool)
        case Classes.EVEN:
            chosen = names[::2]
        case Classes.ODD:
            chosen = names[1::2]
    return tuple(utterance for utterance in pool if utterance.intent in chosen)


def intents(pool: Sequence[Utterance]) -> tuple[str, ...]:
    return tuple(sorted({utterance.intent for utterance in pool}))


def stream(
    pool: Sequence[Utterance], *, agents: Sequence[str], tasks: int, wordings: int, seed: int
) -> tuple[Step, ...]:
    """Draw tasks without replacement, the agent of each, and in which of so many wordings it will report."""
    rng = random.Random(f"stream/{seed}")
    speaking = random.Random(f"wordings/{seed}")
    world = {intent: intent for intent in intents(pool)}
    return tuple(
        Step(
            agent=rng.choice(agents),
            text=utterance.text,
            origin=utterance.intent,
            world=world,
            revealed=utterance.intent,
            wording=speaking.randrange(wordings),
        )
        for utterance in rng.sample(pool, tasks)
    )


def guesses(pool: Sequence[Utterance], *, tasks: int, seed: int) -> Iterator[Answer]:
    """Yield what an agent that knows only the names of the intents would answer."""
    rng = random.Random(f"guesses/{seed}")
    names = intents(pool)
    for _ in range(tasks):
        yield (rng.choice(names),)
