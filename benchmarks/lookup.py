"""Does a lesson come back when it is needed: asked with its exact code, and asked in other words?

Thousands of made-up technical lessons, full of look-alikes, go in through submit_feedback and are looked up through
retrieve_knowledge. Beside it, on the same texts: LanceDB's text search alone and the vector search alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from arms import agent_names
from command_line import add_transport, parser, positive, run_async
from connection import Transport, connect
from legs import Embedder, table_of, text_leg, vector_leg
from lessons import Lesson, lessons
from memory import Feedback, FleetloreMemory
from report import print_table, progress_bar, write_json
from rich.progress import Progress

SHOWN = 5
QUESTIONS = ("exact", "paraphrase")
NO_DATA = "It needs no data: the lessons are made from the seed."


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """How far down the lessons that were asked for came back (0: not among those shown)."""

    searched: str
    question: str
    ranks: tuple[int, ...]
    seconds: float

    def hit(self, within: int) -> float:
        return sum(0 < rank <= within for rank in self.ranks) / len(self.ranks)

    def reciprocal(self) -> float:
        return sum(1 / rank for rank in self.ranks if rank) / len(self.ranks)

    def milliseconds(self) -> float:
        return self.seconds / len(self.ranks) * 1000


def rank(wanted: str, shown: Sequence[str]) -> int:
    return shown.index(wanted) + 1 if wanted in shown else 0


def question(lesson: Lesson, kind: str) -> str:
    return lesson.exact if kind == "exact" else lesson.paraphrase


def teaching(lesson: Lesson, agent: str) -> Feedback:
    """Tell a lesson as the agent that learnt it would, without a retrieval before it."""
    return Feedback(
        task=lesson.applies_when,
        outcome="success",
        insight=lesson.insight,
        applies_when=lesson.applies_when,
        agent=agent,
    )


async def through_server(
    made: Sequence[Lesson], agents: Sequence[str], transport: Transport, progress: Progress
) -> tuple[list[Score], dict[str, int]]:
    """Teach every lesson, then ask for every lesson. Returns also what the server decided about the lessons."""
    scores = []
    with TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True) as folder:
        async with connect(transport, Path(folder) / "lookup") as connection:
            memory = FleetloreMemory(connection=connection)
            for place, lesson in enumerate(progress.track(made, description="teaching")):
                await memory.report(teaching(lesson, agents[place % len(agents)]))
            for kind in QUESTIONS:
                ranks = []
                started = time.perf_counter()
                for place, lesson in enumerate(progress.track(made, description=f"server, {kind}")):
                    # Another agent asks than the one that taught it.
                    asking = agents[(place + 1) % len(agents)]
                    shown = await memory.retrieve(question(lesson, kind), limit=SHOWN, agent=asking)
                    ranks.append(rank(lesson.insight, [item.insight for item in shown.items]))
                seconds = time.perf_counter() - started
                scores.append(Score(searched="fleetlore", question=kind, ranks=tuple(ranks), seconds=seconds))
            return scores, dict(memory.decisions)


async def through_legs(made: Sequence[Lesson], progress: Progress) -> list[Score]:
    """Ask the bare legs, on the texts that the lessons consist of."""
    scores = []
    embedder = Embedder()
    texts = [lesson.text for lesson in made]
    async with table_of(texts, embedder.embed(texts)) as table:
        for kind in QUESTIONS:
            ranks: dict[str, list[int]] = {"text leg alone": [], "vector leg alone": []}
            seconds = dict.fromkeys(ranks, 0.0)
            for place, lesson in enumerate(progress.track(made, description=f"legs, {kind}")):
                asked = question(lesson, kind)
                started = time.perf_counter()
                by_text = await text_leg(table, asked, SHOWN)
                between = time.perf_counter()
                by_vector = await vector_leg(table, embedder.embed([asked])[0], SHOWN)
                seconds["text leg alone"] += between - started
                seconds["vector leg alone"] += time.perf_counter() - between
                ranks["text leg alone"].append(rank(str(place), by_text))
                ranks["vector leg alone"].append(rank(str(place), by_vector))
            scores += [
                Score(searched=leg, question=kind, ranks=tuple(found), seconds=seconds[leg])
                for leg, found in ranks.items()
            ]
    return scores


def show(scores: Sequence[Score]) -> None:
    rows = [
        (
            f"{score.question}: {score.searched}",
            f"{score.hit(1):.3f}",
            f"{score.hit(SHOWN):.3f}",
            f"{score.reciprocal():.3f}",
            f"{score.milliseconds():.1f}",
        )
        for score in sorted(scores, key=lambda score: QUESTIONS.index(score.question))
    ]
    print_table("Lookup of lessons", ("question: searched", "hit@1", f"hit@{SHOWN}", "MRR", "ms"), rows)


def result(score: Score) -> dict[str, object]:
    return {
        "searched": score.searched,
        "question": score.question,
        "hit_at_1": score.hit(1),
        f"hit_at_{SHOWN}": score.hit(SHOWN),
        "mrr": score.reciprocal(),
        "milliseconds": round(score.milliseconds(), 2),
    }


async def main(options: argparse.Namespace) -> None:
    made = lessons(options.count, options.seed)
    started = time.perf_counter()
    with progress_bar() as progress:
        scores, decisions = await through_server(made, agent_names(options.agents), options.transport, progress)
        scores += await through_legs(made, progress)
    show(scores)
    print_table(
        "What the server made of the lessons", ("decision", "lessons"), [(k, str(v)) for k, v in decisions.items()]
    )
    write_json(
        options.json,
        benchmark="lookup",
        settings={name: value for name, value in vars(options).items() if name != "json"},
        results={"scores": [result(score) for score in scores], "decisions": decisions},
        seconds=time.perf_counter() - started,
    )


def arguments() -> argparse.Namespace:
    made = parser(__doc__, NO_DATA)
    made.add_argument("--count", type=positive, default=2000, help="how many lessons (default: %(default)s)")
    made.add_argument("--agents", type=positive, default=5, help="agents that teach and ask (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of the lessons (default: %(default)s)")
    add_transport(made)
    return made.parse_args()


if __name__ == "__main__":
    run_async(main, arguments())
