"""Do hooks make a fleet answer its receipts, and what is that worth? Agents that report because a hook asks them to,
beside agents that report by themselves now and then, on a stream of Banking77 tasks.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
from accuracy import Cell, Spread
from arms import agent_names
from command_line import names, numbers, parser, positive, quieten, run
from conditions import CONDITIONS
from connection import CALL_SECONDS, Connection
from hooking import HOOKS, Turn
from intents import Classes, Step, read_utterances, stream
from matrix import spread
from mcp import Client
from memory import FleetloreMemory, Retrieval
from process import http_server
from report import print_table, progress_bar, write_json

DATA = """\
The data folder holds train.csv and test.csv of Banking77 (columns text and category; CC BY 4.0). Get them from the
folder banking_data of the public repository PolyAI-LDN/task-specific-datasets. They are not shipped with this project.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """Which hooks are installed, and whether agents answer every receipt by themselves."""

    stop: bool = False
    tool_use: bool = False
    diligent: bool = False


FLEETS: Mapping[str, Fleet] = {
    "no hooks": Fleet(),
    "tool-use": Fleet(tool_use=True),
    "stop": Fleet(stop=True),
    "both": Fleet(stop=True, tool_use=True),
    "diligent": Fleet(diligent=True),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a cell: right answers in order, and what the server counts."""

    cell: Cell
    hits: tuple[bool, ...]
    receipts: int
    answered: int
    implicit: int
    seconds: float

    def share(self, last: int) -> float:
        return sum(self.hits[-last:]) / len(self.hits[-last:])


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Path, str, Connection]]:
    """Run a server of its own on an empty folder."""
    with TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "fleet"
        data.mkdir()
        async with http_server(data) as url, Client(url, read_timeout_seconds=CALL_SECONDS) as client:
            yield Path(folder), url, Connection(client=client)


def turns(steps: Sequence[Step], folder: Path, length: int) -> Iterator[tuple[Step, Turn]]:
    """Yield each task with the session that it belongs to: so many tasks of one agent, with a transcript."""
    done: dict[str, int] = {}
    for step in steps:
        number = done.get(step.agent, 0)
        done[step.agent] = number + 1
        session = f"{step.agent}-{number // length}"
        yield step, Turn(session=session, transcript=folder / f"{session}.jsonl")


async def play(options: argparse.Namespace, cell: Cell) -> Outcome:
    """Let a fleet go through the stream: ask, work, run the tests, and report if it does."""
    fleet = FLEETS[cell.arm]
    pool = read_utterances(options.data, Classes.ALL)
    agents = agent_names(options.agents)
    steps = stream(pool, agents=agents, tasks=options.tasks, wordings=1, seed=cell.seed)
    steps = CONDITIONS[cell.world].change(steps, pool, cell.seed)
    mood = random.Random(f"mood/{cell.seed}")
    hits: list[bool] = []
    async with serving() as (folder, url, connection):
        memory = FleetloreMemory(connection=connection)
        hooks = HOOKS[options.hooks](folder / "fleet", url)
        started = time.perf_counter()
        for step, turn in turns(steps, folder, options.session):
            # Drawn for every task, so that the fleets differ in their hooks alone.
            unasked, tested, complies = (mood.random() for _ in range(3))
            shown = await memory.retrieve(step.text, limit=8, agent=step.agent)
            turn.saw(shown.receipt)
            answer = step.answer(shown)
            hits.append(step.hit(answer))
            if fleet.tool_use and tested < options.tested:
                await hooks.tests(turn, passed=hits[-1])
            says = fleet.diligent or unasked < options.unasked
            # An agent that stops answers what it is asked, if it does as it is told.
            if not says and fleet.stop:
                says = shown.receipt in await hooks.stop(turn) and complies < options.complies
            if says:
                await tell(memory, step, shown)
        seconds = time.perf_counter() - started
        status = await connection.read("fleetlore://status")
        assert status is not None
        given, answered, implicit = (status["receipts"][name] for name in ("given", "answered", "implicit_only"))
    return Outcome(cell=cell, hits=tuple(hits), receipts=given, answered=answered, implicit=implicit, seconds=seconds)


async def tell(memory: FleetloreMemory, step: Step, shown: Retrieval) -> None:
    for feedback in step.feedback(shown, step.answer(shown)):
        await memory.report(feedback)


def go(options: argparse.Namespace, cell: Cell) -> Outcome:
    """Run one cell."""
    quieten()
    return anyio.run(play, options, cell)


def show(options: argparse.Namespace, found: Sequence[Outcome]) -> None:
    for world in options.conditions:
        rows = []
        for arm in options.arms:
            group = [one for one in found if (one.cell.world, one.cell.arm) == (world, arm)]
            rows.append(
                (
                    arm,
                    *(str(Spread.of([share(one) for one in group])) for share in (answered, seen)),
                    *(str(Spread.of([one.share(last) for one in group])) for last in (options.last, options.tasks)),
                    f"{Spread.of([one.seconds / len(one.hits) * 1000 for one in group]).mean:.0f}",
                )
            )
        header = ("hooks", "answered", "outcome seen only", f"right, last {options.last}", "right, all", "ms per task")
        print_table(f"{world}: mean over seeds (lowest-highest)", header, rows)


def answered(one: Outcome) -> float:
    return one.answered / one.receipts


def seen(one: Outcome) -> float:
    return one.implicit / one.receipts


def main(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    cells = [
        Cell(world=world, arm=arm, seed=seed)
        for world in options.conditions
        for seed in options.seeds
        for arm in options.arms
    ]
    found = []
    with progress_bar() as progress:
        bar = progress.add_task("starting", total=len(cells))
        for outcome in spread(partial(go, options), cells, options.jobs):
            found.append(outcome)
            progress.update(bar, advance=1, description=str(outcome.cell))
            write(options, found, time.perf_counter() - started)
    show(options, found)


def write(options: argparse.Namespace, found: Sequence[Outcome], seconds: float) -> None:
    write_json(
        options.json,
        benchmark="adoption",
        settings={name: value for name, value in vars(options).items() if name not in ("data", "json", "jobs")},
        results=[asdict(one) | {"hits": "".join("1" if hit else "0" for hit in one.hits)} for one in found],
        seconds=seconds,
    )


def share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError("must be a share from 0 to 1")
    return number


if __name__ == "__main__":
    made = parser(__doc__ or "", DATA)
    made.add_argument("data", type=Path, metavar="DATA", help="folder of the data")
    made.add_argument("--agents", type=positive, default=8, help="size of the fleet (default: %(default)s)")
    made.add_argument("--tasks", type=positive, default=1_000, help="length of the stream (default: %(default)s)")
    made.add_argument("--last", type=positive, default=250, help="tasks at the end that count (default: %(default)s)")
    made.add_argument(
        "--arms", type=names(FLEETS), default=tuple(FLEETS), help=f"comma-separated (default: {','.join(FLEETS)})"
    )
    made.add_argument("--conditions", type=names(CONDITIONS), default=("clean", "drift"), help="default: clean,drift")
    made.add_argument("--seeds", type=numbers, default=(0,), help="comma-separated; each is a run (default: 0)")
    made.add_argument("--jobs", type=positive, default=1, help="runs at the same time (default: %(default)s)")
    made.add_argument("--session", type=positive, default=5, help="tasks of a session (default: %(default)s)")
    made.add_argument(
        "--unasked", type=share, default=0.05, help="how often agents report by themselves (default: %(default)s)"
    )
    made.add_argument(
        "--complies", type=share, default=0.8, help="how often agents do what a hook asks (default: %(default)s)"
    )
    made.add_argument("--tested", type=share, default=0.5, help="how many tasks have tests (default: %(default)s)")
    made.add_argument(
        "--hooks",
        choices=tuple(HOOKS),
        default="process",
        help="how hooks are called: as an assistant does, or by the server's route alone, which is faster "
        "(default: %(default)s)",
    )
    run(main, made.parse_args())
