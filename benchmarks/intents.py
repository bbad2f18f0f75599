"""Banking77 as a stream of tasks: an utterance comes to an agent, which must name its intent.

The stream is pure: it knows neither memories nor answers. A condition (noise, drift, lying agents) is a function from
steps to steps put behind it, changing who gets what and which intent is revealed.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from memory import Feedback, Retrieval

PREFIX = "intent: "


@dataclass(frozen=True, kw_only=True, slots=True)
class Utterance:
    text: str
    intent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One task for one agent. `intent` decides whether the answer is right, `revealed` is what the agent is told."""

    agent: str
    text: str
    intent: str
    revealed: str


def read_utterances(folder: Path) -> tuple[Utterance, ...]:
    """Read the training and the test part; nothing is trained here, so both belong to one pool."""
    pool: list[Utterance] = []
    for name in ("train.csv", "test.csv"):
        with (folder / name).open(newline="", encoding="utf-8") as lines:
            pool.extend(Utterance(text=row["text"], intent=row["category"]) for row in csv.DictReader(lines))
    return tuple(pool)


def stream(pool: Sequence[Utterance], *, agents: Sequence[str], tasks: int, seed: int) -> Iterator[Step]:
    """Draw tasks without replacement, and the agent of each."""
    rng = random.Random(f"stream/{seed}")
    for utterance in rng.sample(pool, tasks):
        yield Step(agent=rng.choice(agents), text=utterance.text, intent=utterance.intent, revealed=utterance.intent)


def answer(shown: Retrieval) -> str | None:
    """Name the intent with the largest sum of scores; nothing shown, nothing answered."""
    return next(iter(shown.ranked(PREFIX)), None)


def feedback(step: Step, shown: Retrieval, answered: str | None) -> Feedback:
    """Report as an agent that was told the revealed intent: which items named it, which misled."""
    right = answered == step.revealed
    misled = () if right or answered is None else (PREFIX + answered,)
    return Feedback(
        task=step.text,
        outcome="success" if right else "failure",
        insight=PREFIX + step.revealed,
        applies_when=step.text,
        kind="fact",
        agent=step.agent,
        receipt=shown.receipt,
        helpful=shown.ids((PREFIX + step.revealed,)),
        harmful=shown.ids(misled),
    )
