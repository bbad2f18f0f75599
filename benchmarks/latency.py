"""What does a call cost beside what lies underneath: the bare protocol, and the bare search?

Stores of several sizes are filled past the server. Then everything that is measured takes turns in rounds, in an order
drawn anew for each, so that whatever else the machine does meets all alike:

- `echo`: a tool of the same SDK that says back what it was told, the floor of the protocol;
- `raw pair`: LanceDB's text and vector legs on the same table, gathered, ids and scores only, the floor of the search;
- `retrieve`, by an agent without items of its own, and by one with twenty;
- `submit`: a lesson that nobody told before.

Clients are as cheap as can be: on two cores, what they use is taken from the server.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import lancedb
from arms import agent_names
from command_line import numbers, parser, positive, run_async
from filling import fill, many_lessons, opened, settle
from footprint import family, resident_megabytes
from legs import Embedder, Vector, exact_leg, newest_general_table, text_leg, vector_leg
from lessons import Lesson
from light_clients import LightClient, over_http, over_stdio
from load import Call, Round, figures, loop
from lookup import NO_DATA, SHOWN, teaching
from process import command, free_port, http_process, listening, log_of
from report import print_table, progress_bar, write_json
from rich.progress import Progress

from fleetlore.storage.search import Filter

CANDIDATES = 100
RECALL_AT = 10
OWN_ITEMS = 20
STARTS = 5
MILLION = 1_000_000
ECHO, RAW, RETRIEVE, OWN, SUBMIT = "echo", "raw pair", "retrieve", "retrieve, own items too", "submit"
NEWCOMER, OWNER = agent_names(2)
ECHO_SERVER = (sys.executable, str(Path(__file__).with_name("echo_server.py")))


@dataclass(frozen=True, kw_only=True, slots=True)
class Questions:
    """What is asked of a store, and the lessons that it is told beside."""

    asked: Iterator[str]
    fresh: Iterator[Lesson]

    def retrieve(self, client: LightClient, agent: str) -> Call:
        asked: Mapping[str, object] = {"task": next(self.asked), "limit": SHOWN, "agent": agent}
        return partial(client.call, "retrieve_knowledge", asked)

    def submit(self, client: LightClient) -> Call:
        return partial(client.call, "submit_feedback", teaching(next(self.fresh), NEWCOMER).arguments())

    def echo(self, client: LightClient) -> Call:
        return partial(client.call, "echo", {"text": next(self.asked)})


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One thing that takes its turn: a call for each client, and whose processor time, children's too, it uses."""

    name: str
    transport: str
    clients: int
    made: Sequence[Callable[[], Call]]
    pids: Sequence[int] = ()
    rounds: list[Round] = field(default_factory=list)

    async def round(self, calls: int) -> None:
        each = max(1, calls // self.clients)
        workers = [iter([make() for _ in range(each)]) for make in self.made]
        self.rounds.append(await loop(workers, pids=[member for pid in self.pids for member in family(pid)]))


async def measure(options: argparse.Namespace, data: Path, size: int, progress: Progress) -> dict[str, object]:
    """Everything for a store of one size."""
    spare = options.spare
    made = list(many_lessons(size + spare, options.seed))
    rng = random.Random(f"latency/{options.seed}")
    texts = [text for lesson in made[:size] for text in (lesson.exact, lesson.paraphrase)]
    rng.shuffle(texts)
    questions = Questions(asked=cycle(texts), fresh=iter(made[size:]))
    await store(options, data, made[:size], progress)
    async with AsyncExitStack() as stack:
        url, server = await stack.enter_async_context(http_process(data, "--workers", str(options.workers)))
        port = free_port()
        echo = await stack.enter_async_context(listening([*ECHO_SERVER, str(port)], port, data))
        [owner] = await stack.enter_async_context(over_http(url, 1))
        for _ in range(OWN_ITEMS):
            told = teaching(next(questions.fresh), OWNER).arguments() | {"space": "prompt", "task_type": "deploy"}
            await owner.call("submit_feedback", told)
        table = await newest_general_table(data)
        embedder = Embedder()
        things: list[Measured] = []
        for clients in options.clients:
            http = await stack.enter_async_context(over_http(url, clients))
            bare = await stack.enter_async_context(over_http(f"http://127.0.0.1:{port}/mcp", clients))
            things += [
                Measured(
                    name=name,
                    transport=transport,
                    clients=clients,
                    made=[partial(make, client) for client in connections],
                    pids=pids,
                )
                for name, transport, make, connections, pids in (
                    (ECHO, "http", questions.echo, bare, [echo]),
                    (RETRIEVE, "http", partial(questions.retrieve, agent=NEWCOMER), http, [server]),
                    (OWN, "http", partial(questions.retrieve, agent=OWNER), http, [server]),
                    (SUBMIT, "http", questions.submit, http, [server]),
                )
            ]
            pairs = [partial(raw, table, embedder, questions.asked)] * clients
            things.append(Measured(name=RAW, transport="none", clients=clients, made=pairs))
        for clients in options.stdio_clients:
            log = log_of(data)
            ours, pids = await stack.enter_async_context(over_stdio(command(data), clients, log))
            bare, bare_pids = await stack.enter_async_context(over_stdio(ECHO_SERVER, clients, log))
            things += [
                Measured(
                    name=name,
                    transport="stdio",
                    clients=clients,
                    made=[partial(make, client) for client in connections],
                    pids=used,
                )
                for name, make, connections, used in (
                    (ECHO, questions.echo, bare, bare_pids),
                    (RETRIEVE, partial(questions.retrieve, agent=NEWCOMER), ours, pids),
                    (SUBMIT, questions.submit, ours, pids),
                )
            ]
        for number in progress.track(range(options.rounds + 1), description=f"rounds, {size:,}"):
            for thing in rng.sample(things, len(things)):
                await thing.round(options.calls)
            if number == 0:
                for thing in things:
                    thing.rounds.clear()  # that round warmed them all up
        memory = max(map(resident_megabytes, family(server)))
    starts = [await start(data, next(questions.asked)) for _ in range(STARTS)]
    return {
        "items": size,
        "measured": [
            {"measured": thing.name, "transport": thing.transport, "clients": thing.clients, **figures(thing.rounds)}
            for thing in things
        ],
        "ratios": ratios(things),
        "recall_at_10": await recall(data, embedder, [next(questions.asked) for _ in range(options.recall)]),
        "server_memory_mb": round(memory),
        "start_ms": {
            "spawn_to_first_retrieval": round(statistics.median(starts)),
            "slowest": round(max(starts)),
        },
    }


async def store(options: argparse.Namespace, data: Path, made: Sequence[Lesson], progress: Progress) -> None:
    """Fill the folder with these lessons, or copy what was filled with them before and kept."""
    kept = options.stores and options.stores / f"{len(made)}-{options.seed}"
    if kept and kept.exists():
        shutil.copytree(kept, data)
        return
    await anyio.Path(data).mkdir()
    async with opened(data) as unit:
        await fill(unit, made, progress, f"filling {len(made):,}")
        await settle(unit)
    if kept:
        shutil.copytree(data, kept.with_suffix(".new"), dirs_exist_ok=True)
        kept.with_suffix(".new").rename(kept)


def raw(table: lancedb.AsyncTable, embedder: Embedder, asked: Iterator[str]) -> Call:
    """The bare pair; making the vector is not part of it."""
    question = next(asked)
    [vector] = embedder.embed([question])
    return partial(pair, table, question, vector)


async def pair(table: lancedb.AsyncTable, question: str, vector: Vector) -> None:
    async with anyio.create_task_group() as legs:
        legs.start_soon(text_leg, table, question, CANDIDATES)
        legs.start_soon(vector_leg, table, vector, CANDIDATES)


async def recall(data: Path, embedder: Embedder, asked: Sequence[str]) -> float:
    """Which share of the ten nearest by an exact search the server's vector leg finds among its best ten."""
    table = await newest_general_table(data)
    found = []
    async with opened(data) as unit:
        for vector in embedder.embed(asked):
            legs = await unit.spaces.search("general", text="", vector=vector, where=Filter())
            best = sorted(legs.vector, key=legs.vector.__getitem__, reverse=True)[:RECALL_AT]
            exact = await exact_leg(table, vector, RECALL_AT)
            found.append(len(set(best) & set(exact)) / len(exact))
    return round(statistics.fmean(found), 4)


async def start(data: Path, question: str) -> float:
    """Milliseconds from the start of a stdio server to its first retrieval's answer."""
    started = time.perf_counter()
    async with over_stdio(command(data), 1, log_of(data)) as ([client], _):
        await client.call("retrieve_knowledge", {"task": question, "limit": SHOWN, "agent": NEWCOMER})
        return (time.perf_counter() - started) * 1000


def ratios(things: Sequence[Measured]) -> list[dict[str, object]]:
    """Each call beside the raw pair with as many clients, over HTTP: latency less 2 ms, and throughput, by round."""
    by_name = {(thing.name, thing.clients): thing for thing in things if thing.transport != "stdio"}
    found: list[dict[str, object]] = []
    for (name, clients), thing in by_name.items():
        if name in (RETRIEVE, OWN):
            pairs = list(zip(thing.rounds, by_name[RAW, clients].rounds, strict=True))
            medians = [(statistics.median(ours.taken), statistics.median(bare.taken)) for ours, bare in pairs]
            found.append(
                {
                    "measured": name,
                    "clients": clients,
                    "latency": spread([ours / bare for ours, bare in medians]),
                    "latency_less_2_ms": spread([(ours - 2) / bare for ours, bare in medians]),
                    "throughput": spread(
                        [(len(o.taken) / o.seconds) / (len(b.taken) / b.seconds) for o, b in pairs],
                    ),
                }
            )
    return found


def spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def show(result: dict[str, object]) -> None:
    measured: list[dict[str, object]] = result["measured"]  # type: ignore[assignment]  # as `measure` made it
    beside: list[dict[str, object]] = result["ratios"]  # type: ignore[assignment]
    columns = ("p50_ms", "p95_ms", "p99_ms", "calls_per_second", "server_cpu_ms", "calls")
    print_table(
        f"{result['items']:,} items",
        ("measured", "transport", "clients", "p50 ms", "p95", "p99", "calls/s", "server CPU ms", "calls"),
        [
            (str(row["measured"]), str(row["transport"]), str(row["clients"]), *(str(row[name]) for name in columns))
            for row in measured
        ],
    )
    print_table(
        "Ratios to the raw pair, median of rounds (lowest-highest)",
        ("measured", "clients", "latency", "latency less 2 ms", "throughput"),
        [tuple(str(value) for value in row.values()) for row in beside],
    )
    rest = {name: value for name, value in result.items() if name not in ("measured", "ratios", "items")}
    print_table("Beside", ("figure", "value"), [(name.replace("_", " "), str(value)) for name, value in rest.items()])


async def main(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    sizes = (*options.items, MILLION) if options.million else options.items
    results = []
    for size in sizes:
        with TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True) as folder, progress_bar() as progress:
            data = Path(folder) / "latency"
            results.append(await measure(options, data, size, progress))
        show(results[-1])
    write_json(
        options.json,
        benchmark="latency",
        settings={name: value for name, value in vars(options).items() if name not in ("json", "stores")},
        results=results,
        seconds=time.perf_counter() - started,
    )


def arguments() -> argparse.Namespace:
    made = parser(__doc__, NO_DATA)
    made.add_argument(
        "--items", type=numbers, default=(1_000, 10_000, 100_000), help="sizes (default: 1000,10000,100000)"
    )
    made.add_argument("--million", action="store_true", help="and a store of a million, which takes long to fill")
    made.add_argument("--stores", type=Path, metavar="DIR", help="keeps what was filled, for the next time")
    made.add_argument("--clients", type=numbers, default=(1, 8, 32), help="over HTTP, at once (default: 1,8,32)")
    made.add_argument("--stdio-clients", type=numbers, default=(1, 8), help="each with a server process (default: 1,8)")
    made.add_argument("--workers", type=positive, default=1, help="of the HTTP server (default: %(default)s)")
    made.add_argument("--rounds", type=positive, default=7, help="in drawn order (default: %(default)s)")
    made.add_argument("--calls", type=positive, default=96, help="per thing and round (default: %(default)s)")
    made.add_argument("--recall", type=positive, default=200, help="questions of recall@10 (default: %(default)s)")
    made.add_argument("--spare", type=positive, default=10_000, help="lessons told meanwhile (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of the lessons and questions (default: %(default)s)")
    return made.parse_args()


if __name__ == "__main__":
    run_async(main, arguments())
