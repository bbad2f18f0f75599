"""What does a call cost over HTTP, next to the bare search underneath? And how long does a stdio server take to start?

A real server process on a fresh data folder is loaded with lessons over several connections. Then retrieval, feedback,
the raw LanceDB query pair on the same table, and the bare embedder take turns in rounds, so that whatever else the
machine does meets all of them alike.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import lancedb
import numpy as np
from arms import agent_names
from command_line import parser, positive, run_async
from connection import CALL_SECONDS, Connection
from legs import Embedder, Vector, newest_general_table, text_leg, vector_leg
from lessons import Lesson, lessons
from lookup import NO_DATA, SHOWN, teaching
from mcp import Client
from memory import FleetloreMemory
from process import http_server, stdio_server
from report import print_table, progress_bar, write_json
from rich.progress import Progress

CANDIDATES = 100
STARTS = 5
RETRIEVE, SUBMIT, RAW, EMBED = "retrieve_knowledge over HTTP", "submit_feedback over HTTP", "raw pair", "embedder"
HANDSHAKE, FIRST = "stdio: spawn to initialize answered", "stdio: spawn to first retrieval answered"


@dataclass(frozen=True, kw_only=True, slots=True)
class Timings:
    """Milliseconds of every call, per thing measured and round."""

    rounds: dict[str, list[list[float]]] = field(default_factory=dict)

    async def measure(self, name: str, calls: Sequence[Callable[[], Awaitable[object]]]) -> None:
        """Make the calls one after the other and keep their times as one round."""
        taken = []
        for call in calls:
            started = time.perf_counter()
            await call()
            taken.append((time.perf_counter() - started) * 1000)
        self.rounds.setdefault(name, []).append(taken)

    def every(self, name: str) -> list[float]:
        return [one for taken in self.rounds[name] for one in taken]

    def ratios(self, name: str, to: str) -> list[float]:
        """Return the ratio of the two medians, per round."""
        pairs = zip(self.rounds[name], self.rounds[to], strict=True)
        return [statistics.median(mine) / statistics.median(others) for mine, others in pairs]


async def load(url: str, made: Sequence[Lesson], options: argparse.Namespace, progress: Progress) -> float:
    """Teach the lessons over several connections with several calls in flight on each. Returns the seconds it took."""
    waiting = iter(progress.track(tuple(enumerate(made)), description="loading"))
    agents = agent_names(options.agents)

    async def teach(memory: FleetloreMemory) -> None:
        for place, lesson in waiting:
            await memory.report(teaching(lesson, agents[place % len(agents)]))

    async with AsyncExitStack() as stack:
        memories = [await open_memory(url, stack) for _ in range(options.connections)]
        started = time.perf_counter()
        async with anyio.create_task_group() as workers:
            for memory in memories * options.in_flight:
                workers.start_soon(teach, memory)
        return time.perf_counter() - started


async def open_memory(url: str, stack: AsyncExitStack) -> FleetloreMemory:
    client = await stack.enter_async_context(Client(url, read_timeout_seconds=CALL_SECONDS))
    return FleetloreMemory(connection=Connection(client=client))


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """All that a round needs: the server, its table underneath, questions to ask and lessons to teach."""

    memory: FleetloreMemory
    table: lancedb.AsyncTable
    embedder: Embedder
    questions: Sequence[str]
    fresh: Iterator[Lesson]
    agent: str

    async def retrieve(self, question: str) -> object:
        return await self.memory.retrieve(question, limit=SHOWN, agent=self.agent)

    async def raw(self, question: str, vector: Vector) -> None:
        async with anyio.create_task_group() as legs:
            legs.start_soon(text_leg, self.table, question, CANDIDATES)
            legs.start_soon(vector_leg, self.table, vector, CANDIDATES)

    async def embed(self, question: str) -> object:
        return self.embedder.embed([question])

    async def round(self, timings: Timings, rng: random.Random, calls: int) -> None:
        """Let the things measured take turns, on the same questions."""
        asked = rng.sample(self.questions, calls)
        vectors = self.embedder.embed(asked)
        await timings.measure(RETRIEVE, [partial(self.retrieve, one) for one in asked])
        await timings.measure(RAW, [partial(self.raw, *pair) for pair in zip(asked, vectors, strict=True)])
        told = [teaching(next(self.fresh), self.agent) for _ in asked]
        await timings.measure(SUBMIT, [partial(self.memory.report, one) for one in told])
        await timings.measure(EMBED, [partial(self.embed, one) for one in asked])


async def start(data: Path, question: str, agent: str) -> tuple[float, float]:
    """Start a stdio server. Returns the milliseconds to its handshake and to its first retrieval."""
    started = time.perf_counter()
    # Most IDEs still open with `initialize`, and wait for it.
    async with Client(stdio_server(data), mode="legacy", read_timeout_seconds=CALL_SECONDS) as client:
        shaken = time.perf_counter()
        await FleetloreMemory(connection=Connection(client=client)).retrieve(question, limit=SHOWN, agent=agent)
        answered = time.perf_counter()
    return (shaken - started) * 1000, (answered - started) * 1000


async def measure(options: argparse.Namespace, data: Path, progress: Progress) -> tuple[Timings, float]:
    """Run the whole benchmark on an empty folder. Returns all timings and the seconds that loading took."""
    made = lessons(options.items + (options.rounds + 1) * options.calls, options.seed)
    loaded, fresh = made[: options.items], iter(made[options.items :])
    rng = random.Random(f"latency/{options.seed}")
    questions = [text for lesson in loaded for text in (lesson.exact, lesson.paraphrase)]
    agent = agent_names(1)[0]
    timings = Timings()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(http_server(data))
        seconds = await load(url, loaded, options, progress)
        await anyio.sleep(options.settle)
        bench = Bench(
            memory=await open_memory(url, stack),
            table=await newest_general_table(data),
            embedder=Embedder(),
            questions=questions,
            fresh=fresh,
            agent=agent,
        )
        await bench.round(Timings(), rng, options.calls)  # warms up both sides
        for _ in progress.track(range(options.rounds), description="rounds"):
            await bench.round(timings, rng, options.calls)
    for _ in progress.track(range(STARTS), description="starts"):
        handshake, first = await start(data, rng.choice(questions), agent)
        timings.rounds.setdefault(HANDSHAKE, []).append([handshake])
        timings.rounds.setdefault(FIRST, []).append([first])
    return timings, seconds


def show(timings: Timings, options: argparse.Namespace, seconds: float) -> None:
    rows = []
    for name in timings.rounds:
        taken = timings.every(name)
        p95, p99 = np.percentile(taken, (95, 99))
        rows.append((name, f"{statistics.median(taken):.2f}", f"{p95:.2f}", f"{p99:.2f}", str(len(taken))))
    print_table(f"Milliseconds, {options.items} items", ("measured", "median", "p95", "p99", "calls"), rows)
    ratios = timings.ratios(RETRIEVE, RAW)
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
    figures = [
        ("retrieve_knowledge / raw pair, median of rounds (lowest-highest)", spread),
        ("loading, lessons per second", f"{options.items / seconds:.0f}"),
    ]
    print_table("Beside each other", ("figure", "value"), figures)


def result(name: str, taken: Sequence[float]) -> dict[str, object]:
    p95, p99 = np.percentile(taken, (95, 99))
    return {
        "measured": name,
        "calls": len(taken),
        "median_ms": round(statistics.median(taken), 3),
        "p95_ms": round(float(p95), 3),
        "p99_ms": round(float(p99), 3),
    }


async def main(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    with TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True) as folder, progress_bar() as progress:
        data = Path(folder) / "latency"
        data.mkdir()
        timings, seconds = await measure(options, data, progress)
    show(timings, options, seconds)
    write_json(
        options.json,
        benchmark="latency",
        settings={name: value for name, value in vars(options).items() if name != "json"},
        results={
            "timings": [result(name, timings.every(name)) for name in timings.rounds],
            "retrieve_to_raw_pair_by_round": [round(ratio, 3) for ratio in timings.ratios(RETRIEVE, RAW)],
            "loading_seconds": round(seconds, 1),
        },
        seconds=time.perf_counter() - started,
    )


def arguments() -> argparse.Namespace:
    made = parser(__doc__, NO_DATA)
    made.add_argument("--items", type=positive, default=10_000, help="lessons to load (default: %(default)s)")
    made.add_argument("--rounds", type=positive, default=10, help="alternating rounds (default: %(default)s)")
    made.add_argument("--calls", type=positive, default=50, help="calls per thing and round (default: %(default)s)")
    made.add_argument("--connections", type=positive, default=8, help="that load (default: %(default)s)")
    made.add_argument("--in-flight", type=positive, default=4, help="calls per connection (default: %(default)s)")
    made.add_argument("--agents", type=positive, default=8, help="that load (default: %(default)s)")
    made.add_argument(
        "--settle", type=float, default=5.0, help="seconds between loading and measuring (default: %(default)s)"
    )
    made.add_argument("--seed", type=int, default=0, help="of the lessons and questions (default: %(default)s)")
    return made.parse_args()


if __name__ == "__main__":
    run_async(main, arguments())
