"""What becomes one lesson that two agents tell in their own words, and what is wrongly made one?

Pairs of sentences that people judged go first through the judgement alone, then through a server: two agents tell one
sentence each under the same condition. Pairs do not meet, because each has a condition of its own.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import anyio
import numpy as np
from command_line import add_transport, parser, positive, run_async
from connection import Connection, Transport, connect
from memory import Feedback
from pairs import LABELS, Pair, read_parts
from report import print_table, progress_bar, write_json
from rich.progress import Progress

from fleetlore.kmu.sameness import Judgement, Relation, judge
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.embedding import load_embedder

RELATIONS: tuple[Relation, ...] = get_args(Relation)
# What makes a judgement right.
RIGHT: Mapping[Relation, Callable[[Pair], bool]] = {
    "same": lambda pair: pair.equivalent,
    "similar": lambda pair: pair.near,
    "contradicting": lambda pair: pair.contradictory,
}
ONE_LESSON = frozenset(("corroborated", "merged"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A pair of a part of the data, and what the judgement alone makes of it."""

    part: str
    pair: Pair
    judgement: Judgement


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A pair that two agents told the server: its decision about the second, and the ids of the two items."""

    pair: Pair
    decision: str
    ids: tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """How many were found, how many of these rightly, and how many there were to find."""

    found: int
    right: int
    wanted: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.wanted if self.wanted else 1.0

    def cells(self) -> tuple[str, ...]:
        return str(self.found), str(self.right), f"{self.precision:.3f}", f"{self.recall:.3f}"

    def result(self) -> dict[str, object]:
        counts = {"found": self.found, "right": self.right, "wanted": self.wanted}
        return {**counts, "precision": self.precision, "recall": self.recall}


def judged(parts: Mapping[str, Sequence[Pair]]) -> list[Judged]:
    embedder = load_embedder(DEFAULT_EMBEDDER)
    made = []
    for part, pairs in parts.items():
        one, other = (embedder.embed([getattr(pair, side) for pair in pairs]) for side in ("one", "other"))
        for pair, cosine in zip(pairs, np.sum(one * other, axis=1).tolist(), strict=True):
            made.append(Judged(part=part, pair=pair, judgement=judge(pair.one, pair.other, cosine=cosine)))
    return made


def score(pairs: Iterable[Judged], relation: Relation) -> Score:
    """Score a relation. Pairs that are made one are not there to be found similar any more."""
    of = [one for one in pairs if relation != "similar" or one.judgement.relation != "same"]
    found = [one.pair for one in of if one.judgement.relation == relation]
    right = RIGHT[relation]
    return Score(found=len(found), right=sum(map(right, found)), wanted=sum(right(one.pair) for one in of))


async def told(pairs: Sequence[Pair], transport: Transport, progress: Progress) -> list[Told]:
    """Have two agents tell each pair, then the server consolidate what it was told."""
    with TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "merging"
        async with connect(transport, data) as connection:
            made = [await tell(connection, pair) for pair in progress.track(pairs, description="telling")]
            await consolidate(data)
            return [await after(connection, one) for one in progress.track(made, description="looking again")]


async def tell(connection: Connection, pair: Pair) -> Told:
    first, second = [
        (await connection.call("submit_feedback", telling(pair, insight, agent).arguments()))["learned"][0]
        for agent, insight in (("ana", pair.one), ("ben", pair.other))
    ]
    return Told(pair=pair, decision=second["decision"], ids=(first["id"], second["id"]))


def telling(pair: Pair, insight: str, agent: str) -> Feedback:
    condition = f"pair {pair.number}"
    return Feedback(task=condition, outcome="success", insight=insight, applies_when=condition, agent=agent)


async def consolidate(data: Path) -> None:
    """Have the data consolidated to the end, as an operator would."""
    await anyio.run_process([sys.executable, "-m", "fleetlore.server", "consolidate", "--data", str(data)])


async def after(connection: Connection, one: Told) -> Told:
    """Look again at a pair's items: if one item stands for both by now, they have been merged."""
    first, second = [await successor(connection, item) for item in one.ids]
    merged = first == second and one.decision not in ONE_LESSON
    return Told(pair=one.pair, decision="merged" if merged else one.decision, ids=(first, second))


async def successor(connection: Connection, item: str) -> str:
    """Return the id of the item that stands for that item now."""
    while found := await connection.read(f"fleetlore://item/{item}"):
        if not (by := found.get("merged_into") or found.get("superseded_by")):
            return item
        item = by
    return item


def show_judgements(made: Sequence[Judged]) -> None:
    counts = Counter((one.judgement.relation, one.pair.label) for one in made)
    print_table(
        "What the judgement makes of the pairs",
        ("relation", *map(str.lower, LABELS)),
        [(relation, *(str(counts[relation, label]) for label in LABELS)) for relation in RELATIONS],
    )
    rows = [
        (f"{relation}: {part}", *score([one for one in made if one.part == part], relation).cells())
        for relation in RIGHT
        for part in dict.fromkeys(one.part for one in made)
    ]
    print_table("How right it is", ("relation: part", "found", "right", "precision", "recall"), rows)


def show_decisions(made: Sequence[Told]) -> None:
    counts = Counter((one.decision, one.pair.label) for one in made)
    decisions = sorted({one.decision for one in made})
    print_table(
        "What the server makes of the second of each pair",
        ("decision", *map(str.lower, LABELS)),
        [(decision, *(str(counts[decision, label]) for label in LABELS)) for decision in decisions],
    )
    merged = ("made one lesson", *score_merges(made).cells())
    print_table("How right it is", ("", "found", "right", "precision", "recall"), [merged])


def score_merges(made: Sequence[Told]) -> Score:
    found = [one.pair for one in made if one.decision in ONE_LESSON]
    right = RIGHT["same"]
    return Score(found=len(found), right=sum(map(right, found)), wanted=sum(right(one.pair) for one in made))


def sample(parts: Mapping[str, Sequence[Pair]], count: int | None, seed: int) -> list[Pair]:
    """Draw the pairs that go through the server: all of them, unless fewer are asked for."""
    every = [pair for pairs in parts.values() for pair in pairs]
    return every if count is None or count >= len(every) else random.Random(f"pairs/{seed}").sample(every, count)


def results(judgements: Sequence[Judged], telling: Sequence[Told]) -> dict[str, object]:
    parts = dict.fromkeys(one.part for one in judgements)
    return {
        "judgement": {
            part: {
                relation: score([one for one in judgements if one.part == part], relation).result()
                for relation in RIGHT
            }
            for part in parts
        },
        "relations": {
            relation: Counter(one.pair.label for one in judgements if one.judgement.relation == relation)
            for relation in RELATIONS
        },
        "decisions": {
            decision: Counter(one.pair.label for one in telling if one.decision == decision)
            for decision in sorted({one.decision for one in telling})
        },
        "made_one_lesson": score_merges(telling).result(),
    }


async def main(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    parts = read_parts(options.folder)
    judgements = judged(parts)
    show_judgements(judgements)
    answers: list[Told] = []
    if not options.offline:
        with progress_bar() as progress:
            answers = await told(sample(parts, options.pairs, options.seed), options.transport, progress)
        show_decisions(answers)
    write_json(
        options.json,
        benchmark="merging",
        settings={name: value for name, value in vars(options).items() if name != "json"},
        results=results(judgements, answers),
        seconds=time.perf_counter() - started,
    )


DATA = (
    "The folder needs SICK_train.txt and SICK_trial.txt of SemEval 2014, task 1, tab-separated, as they were published."
)


def arguments() -> argparse.Namespace:
    made = parser(__doc__, DATA)
    made.add_argument("folder", type=Path, help="with the pairs")
    made.add_argument("--offline", action="store_true", help="judge only, without a server")
    made.add_argument("--pairs", type=positive, help="how many, drawn at random, go through the server (default: all)")
    made.add_argument("--seed", type=int, default=0, help="of that draw (default: %(default)s)")
    add_transport(made)
    return made.parse_args()


if __name__ == "__main__":
    run_async(main, arguments())
