"""A repository's history as a stream of tasks: from the subject of a commit, name the files to touch.

The world really changes under such a stream: files appear, move and go, and what was right becomes a dead end.
"""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from memory import Feedback, Retrieval
from task import Answer, Claim

PREFIX = "touches "
GUESSES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """One row: `appeared` and `gone` are the paths that came into or left the tree since the row before."""

    subject: str
    touched: tuple[str, ...]
    appeared: tuple[str, ...]
    gone: tuple[str, ...]


def path_of(insight: str) -> str | None:
    return insight.removeprefix(PREFIX) if insight.startswith(PREFIX) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One task for one agent: a subject. `tree` holds the paths that exist when the agent goes to work."""

    agent: str
    project: str
    text: str
    touched: tuple[str, ...]
    tree: frozenset[str]

    def answer(self, shown: Retrieval) -> Answer:
        """Name the files with the largest sums of scores."""
        return tuple(shown.ranked(path_of)[:GUESSES])

    def hit(self, answer: Answer) -> bool:
        return any(guess in self.touched for guess in answer)

    def feedback(self, shown: Retrieval, answer: Answer) -> tuple[Feedback, ...]:
        """Report every touched file. Only what the agent opened and did not find is called harmful."""
        helpful = shown.ids(path_of, self.touched)
        harmful = shown.ids(path_of, [path for path in answer if path not in self.tree])
        return tuple(
            Feedback(
                task=self.text,
                outcome="success" if self.hit(answer) else "failure",
                insight=PREFIX + path,
                applies_when=self.text,
                kind="fact",
                agent=self.agent,
                project=self.project,
                receipt=shown.receipt,
                helpful=helpful,
                # A path may be touched by the very commit that removes it: then it was no dead end.
                harmful=tuple(one for one in harmful if one not in helpful),
            )
            for path in self.touched
        )

    def claim(self, insight: str) -> Claim:
        return (path_of(insight) or "",)

    def right(self, claim: Claim) -> bool:
        """Tell whether the path that an item names exists: all that can be known of it without the task."""
        return claim[0] in self.tree


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
        yield Step(agent=agent, project=project, text=commit.subject, touched=commit.touched, tree=tree)


def guesses(commits: Sequence[Commit]) -> Iterator[Answer]:
    """Yield what an agent that only counts would answer: the files touched most so far."""
    touched: Counter[str] = Counter()
    for commit in commits:
        yield tuple(path for path, _ in touched.most_common(GUESSES))
        touched.update(commit.touched)
