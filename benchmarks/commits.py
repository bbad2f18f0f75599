"""A repository's history as a stream of tasks: from the subject of a commit, name the files to touch.

The world really changes under such a stream: files appear, move and go, and what was right becomes a dead end.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from memory import Feedback, Retrieval

PREFIX = "touches "
GUESSES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """One row: `appeared` and `gone` are the paths that came into or left the tree since the row before."""

    subject: str
    touched: tuple[str, ...]
    appeared: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One task for one agent. `tree` holds the paths that exist when the agent goes to work."""

    agent: str
    project: str
    subject: str
    touched: tuple[str, ...]
    tree: frozenset[str]

    def hit(self, guesses: Sequence[str]) -> bool:
        return any(guess in self.touched for guess in guesses)


def read_commits(folder: Path, repository: str) -> tuple[Commit, ...]:
    with (folder / f"{repository}.csv").open(newline="", encoding="utf-8") as lines:
        return tuple(
            Commit(
                subject=row["subject"],
                touched=tuple(row["touched"].split()),
                appeared=tuple(row["appeared"].split()),
                gone=tuple(row["gone"].split()),
            )
            for row in csv.DictReader(lines)
        )


def stream(commits: Sequence[Commit], *, project: str, agents: Sequence[str], seed: int) -> Iterator[Step]:
    """Give each commit, in order, to an agent drawn at random."""
    rng = random.Random(f"stream/{seed}")
    tree: frozenset[str] = frozenset()
    for commit in commits:
        tree = tree.difference(commit.gone).union(commit.appeared)
        agent = rng.choice(agents)
        yield Step(agent=agent, project=project, subject=commit.subject, touched=commit.touched, tree=tree)


def answer(shown: Retrieval) -> tuple[str, ...]:
    """Name the files with the largest sums of scores."""
    return tuple(shown.ranked(PREFIX)[:GUESSES])


def feedback(step: Step, shown: Retrieval, guesses: Sequence[str]) -> tuple[Feedback, ...]:
    """Report every touched file on the one receipt. Only what the agent opened and did not find is called harmful."""
    helpful = shown.ids([PREFIX + path for path in step.touched])
    harmful = shown.ids([PREFIX + path for path in guesses if path not in step.tree])
    return tuple(
        Feedback(
            task=step.subject,
            outcome="success" if step.hit(guesses) else "failure",
            insight=PREFIX + path,
            applies_when=step.subject,
            kind="fact",
            agent=step.agent,
            project=step.project,
            receipt=shown.receipt,
            helpful=helpful,
            # A path may be touched by the very commit that removes it: then it was no dead end.
            harmful=tuple(one for one in harmful if one not in helpful),
        )
        for path in step.touched
    )
