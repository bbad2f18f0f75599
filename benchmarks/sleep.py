"""What does consolidation cost, and whom does it keep waiting?

A store is filled in bulk, past the server, with technical lessons full of look-alikes, and consolidated once. Then new
lessons come, some of them known ones in other words or with a word more. A pass over these runs in the process that
answers a client, which retrieves without a pause: its waiting with the pass and without it are compared.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import library_environment  # noqa: F401  before the libraries that read it
import numpy as np
from command_line import parser, positive, run_async
from filling import fill, opened, upkeep
from lessons import Lesson, lessons
from report import print_table, progress_bar, write_json
from rich.progress import Progress

from fleetlore.kmu.question import Question
from fleetlore.kmu.unit import KnowledgeManagementUnit
from fleetlore.storage.records import AgentName

ASKER = AgentName("asker")
FULL_SPEED = 1.0


def arrivals(known: Sequence[Lesson], fresh: Sequence[Lesson], rng: random.Random) -> list[Lesson]:
    """New lessons: every fifth is a known one in other words, every fifth says a word more than a known one."""
    made = []
    for place, (lesson, old) in enumerate(zip(fresh, rng.sample(known, len(fresh)), strict=True)):
        if place % 5 == 0:
            made.append(reworded(old))
        elif place % 5 == 1:
            made.append(replace(old, insight=f"Usually {old.insight[0].lower()}{old.insight[1:]}"))
        else:
            made.append(lesson)
    return made


def reworded(lesson: Lesson) -> Lesson:
    """The same lesson without its articles, under the same condition with another article."""
    insight = " ".join(word for word in lesson.insight.split(" ") if word.lower() not in ("the", "a", "an"))
    insight = insight if insight != lesson.insight else f"Please {insight}"
    return replace(lesson, insight=insight)


async def ask(unit: KnowledgeManagementUnit, questions: Iterator[str], waited: list[float]) -> None:
    """Retrieve once and keep how long it took, in milliseconds."""
    started = time.perf_counter()
    await unit.retrieve(Question(task=next(questions), agent=ASKER), fits=lambda _: True)
    waited.append((time.perf_counter() - started) * 1000)


async def waiting(
    unit: KnowledgeManagementUnit, questions: Iterator[str], pause: float, beside: Callable[[], Awaitable[object]]
) -> list[float]:
    """How long retrievals took while something else was done."""
    waited: list[float] = []
    async with anyio.create_task_group() as tasks:

        async def ask_on() -> None:
            while True:
                await ask(unit, questions, waited)
                await anyio.sleep(pause)

        tasks.start_soon(ask_on)
        await beside()
        tasks.cancel_scope.cancel()
    return waited


async def measure(options: argparse.Namespace, data: Path, progress: Progress) -> dict[str, object]:
    rng = random.Random(f"sleep/{options.seed}")
    made = lessons(options.items + options.new, options.seed)
    known, fresh = made[: options.items], made[options.items :]
    texts = [lesson.exact for lesson in known] + [lesson.paraphrase for lesson in known]
    questions = iter(lambda: rng.choice(texts), None)
    async with opened(data) as unit:
        await fill(unit, known, progress, "filling")
        await upkeep(unit)
        bar = progress.add_task("first pass", total=len(known))
        started = time.perf_counter()
        if options.skip_first:
            _, skipped = await unit.ledger.read.waiting()
            await unit.ledger.write(lambda transaction: transaction.set_consolidated(skipped))
        first = await unit.consolidate(
            slice_seconds=FULL_SPEED, rest=0, progress=lambda looked: progress.update(bar, completed=looked)
        )
        first_seconds = time.perf_counter() - started
        await upkeep(unit)
        await fill(unit, arrivals(known, fresh, rng), progress, "new lessons")
        await waiting(unit, questions, options.pause, lambda: anyio.sleep(options.quiet / 4))  # warms up
        before = await waiting(unit, questions, options.pause, lambda: anyio.sleep(options.quiet))
        started = time.perf_counter()
        passes = []

        async def sleep() -> None:
            passes.append(await unit.consolidate())

        during = await waiting(unit, questions, options.pause, sleep)
        seconds = time.perf_counter() - started
        after = await waiting(unit, questions, options.pause, lambda: anyio.sleep(options.quiet))
        again = await unit.consolidate()
    return {
        "first_pass_seconds": round(first_seconds, 1),
        "first_pass_acts": dict(first.acts),
        "pass_seconds": round(seconds, 1),
        "pass_looked_at": passes[0].looked,
        "pass_acts": dict(passes[0].acts),
        "pass_plans": len(passes[0].plans),
        "second_pass_acts": dict(again.acts),
        "retrieval_ms": {"before": figures(before), "during": figures(during), "after": figures(after)},
    }


def figures(taken: Sequence[float]) -> dict[str, float]:
    p95, p99 = np.percentile(taken, (95, 99))
    return {
        "calls": len(taken),
        "median": round(statistics.median(taken), 1),
        "p95": round(float(p95), 1),
        "p99": round(float(p99), 1),
        "most": round(max(taken), 1),
    }


async def main(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    with TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True) as folder, progress_bar() as progress:
        result = await measure(options, Path(folder) / "sleep", progress)
    taken: dict[str, dict[str, float]] = result["retrieval_ms"]  # type: ignore[assignment]  # as `measure` made it
    print_table(
        f"Milliseconds of a retrieval, {options.items:,} items",
        ("beside the pass", "median", "p95", "p99", "most", "calls"),
        [(name, *(str(row[key]) for key in ("median", "p95", "p99", "most", "calls"))) for name, row in taken.items()],
    )
    rows = [(name.replace("_", " "), str(value)) for name, value in result.items() if name != "retrieval_ms"]
    print_table("Consolidation", ("figure", "value"), rows)
    write_json(
        options.json,
        benchmark="sleep",
        settings={name: value for name, value in vars(options).items() if name != "json"},
        results=result,
        seconds=time.perf_counter() - started,
    )


def arguments() -> argparse.Namespace:
    made = parser(__doc__, "It needs no data: the lessons are made from the seed.")
    made.add_argument("--items", type=positive, default=100_000, help="lessons that are known (default: %(default)s)")
    made.add_argument("--new", type=positive, default=1_000, help="lessons that come then (default: %(default)s)")
    made.add_argument("--quiet", type=float, default=20.0, help="seconds of comparison (default: %(default)s)")
    made.add_argument("--pause", type=float, default=0.01, help="between two retrievals (default: %(default)s)")
    made.add_argument("--skip-first", action="store_true", help="count what is known as consolidated")
    made.add_argument("--seed", type=int, default=0, help="of the lessons and questions (default: %(default)s)")
    return made.parse_args()


if __name__ == "__main__":
    run_async(main, arguments())
