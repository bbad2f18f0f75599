"""fleetlore beside other memories for agents: the same lessons, the same questions, in one run.

Each is installed into an environment of its own and used as its guides say; where it takes vectors from an address, it
gets fleetlore's. One that does not run here is shown with the reason.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from command_line import names, parser, positive, run_async
from lessons import lessons
from lookup import NO_DATA, QUESTIONS, SHOWN
from peer import Peer
from peer_basic_memory import BasicMemory
from peer_embeddings import embeddings
from peer_environments import NotInstalled, environment_of, install, megabytes
from peer_fleetlore import Fleetlore
from peer_hindsight import Hindsight
from peer_mem0 import Mem0
from peer_memory_service import MemoryService
from peer_rounds import Course, Figures, rounds
from peer_server_memory import ServerMemory
from report import print_table, progress_bar, write_json

OTHERS: Mapping[str, Callable[[Path, str], Peer]] = {
    "mcp-memory-service": lambda environment, address: MemoryService(environment=environment, embeddings=address),
    "server-memory": lambda environment, _: ServerMemory(environment=environment),
    "mem0ai": lambda environment, address: Mem0(environment=environment, embeddings=address),
    "basic-memory": lambda environment, address: BasicMemory(environment=environment, embeddings=address),
    "hindsight": lambda environment, address: Hindsight(environment=environment, embeddings=address),
}
NAMES = ("fleetlore", *OTHERS)


def all_peers(chosen: Sequence[str], work: Path, address: str) -> list[Peer]:
    """Make those that were asked for; fleetlore is beside them always."""
    made: list[Peer] = [Fleetlore()]
    return made + [new(environment_of(work, name), address) for name, new in OTHERS.items() if name in chosen]


def installed(peer: Peer, work: Path) -> Figures:
    """Install what is not there yet. Returns how large it is, or why it is not there."""
    environment = environment_of(work, peer.name)
    try:
        install(peer.requirements, environment)
    except NotInstalled as why:
        return Figures(cannot=str(why))
    return Figures(size=megabytes(environment))


def course(options: argparse.Namespace) -> Course:
    share = options.together // options.processes
    made = lessons(max(options.lessons, options.writes, options.together), options.seed)
    known = made[: options.lessons]
    return Course(
        alone=known,
        further=made[options.lessons : options.writes],
        asked=random.Random(f"peers/{options.seed}").sample(known, min(options.questions, len(known))),
        shares=[made[place * share : (place + 1) * share] for place in range(options.processes)],
    )


def middle(of_rounds: Sequence[Sequence[float]]) -> str:
    """The median of the rounds' medians, and how far these are apart."""
    medians = [statistics.median(one) for one in of_rounds]
    return f"{statistics.median(medians):.1f} ({min(medians):.1f}-{max(medians):.1f})"


def share(found: Sequence[bool]) -> str:
    return f"{statistics.mean(found):.3f}"


def column(mine: Figures) -> dict[str, str]:
    """What the table shows of one memory; what was not reached is left out."""
    cells = {}
    if mine.writes and mine.searches:
        cells["write, ms"] = middle(mine.writes)
        cells["search, ms"] = middle(mine.searches)
        cells |= {f"{kind} hit@{SHOWN}": share(mine.found[kind]) for kind in QUESTIONS}
    if mine.together:
        cells["writes/s at once"] = middle([[one.acknowledged / one.seconds] for one in mine.together])
        sent, acknowledged, survived = (
            sum(getattr(one, name) for one in mine.together) for name in ("sent", "acknowledged", "survived")
        )
        cells["acknowledged"] = f"{acknowledged} of {sent}"
        cells["survivors"] = f"{survived} of {sent}"
    if mine.schema is not None:
        cells["schema tokens"] = str(mine.schema[0])
        cells["of needed tools"] = str(mine.schema[1])
    cells |= {name: f"{size:.0f}" for name, size in (("disk, MB", mine.disk), ("install, MB", mine.size)) if size}
    return cells


def show(figures: Mapping[str, Figures]) -> None:
    columns = {name: column(mine) for name, mine in figures.items()}
    rows = dict.fromkeys(row for cells in columns.values() for row in cells)
    print_table(
        "Memories beside each other, median (lowest-highest round)",
        ("figure", *columns),
        [(row, *(cells.get(row, "-") for cells in columns.values())) for row in rows],
    )
    for name, mine in figures.items():
        if mine.cannot:
            print(f"{name} cannot run: {mine.cannot}")
        if mine.refusals:
            said = mine.refusals[0].splitlines()[0][:300]
            print(f"{name} refused {len(mine.refusals)} clients or writes, the first with: {said}")


def keep(peers: Sequence[Peer], figures: Mapping[str, Figures], options: argparse.Namespace, started: float) -> None:
    write_json(
        options.json,
        benchmark="peers",
        settings={name: value for name, value in vars(options).items() if name != "json"},
        results={peer.name: {"requirements": repr(peer.requirements), **asdict(figures[peer.name])} for peer in peers},
        seconds=time.perf_counter() - started,
    )


def folders(temporary: str, work: Path | None) -> tuple[Path, Path]:
    """Return where stores are and where environments are."""
    folder = Path(temporary)
    folder.chmod(0o711)  # a store may belong to another user than ours
    work = (work or folder).resolve()
    work.mkdir(parents=True, exist_ok=True)
    return folder, work


async def main(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    with ExitStack() as stack:
        progress = stack.enter_context(progress_bar())
        temporary = TemporaryDirectory(prefix="peers-", ignore_cleanup_errors=True)
        folder, work = folders(stack.enter_context(temporary), options.work)
        async with embeddings(folder / "embeddings.log") as address:
            peers = all_peers(options.peers, work, address)
            figures = {peer.name: installed(peer, work) for peer in progress.track(peers, description="installing")}
            able = [peer for peer in peers if not figures[peer.name].cannot]
            turns = rounds(figures, able, course(options), options.rounds, folder / "stores", progress)
            async for _ in turns:
                keep(peers, figures, options, started)
    show(figures)
    keep(peers, figures, options, started)


def arguments() -> argparse.Namespace:
    made = parser(__doc__, NO_DATA)
    made.add_argument("--peers", type=names(NAMES), default=NAMES, help=f"comma-separated (default: {','.join(NAMES)})")
    made.add_argument("--work", type=Path, metavar="DIR", help="keep the environments here (default: nowhere)")
    made.add_argument("--lessons", type=positive, default=300, help="told one by one (default: %(default)s)")
    made.add_argument("--questions", type=positive, default=100, help="of each kind (default: %(default)s)")
    made.add_argument("--processes", type=positive, default=4, help="that write at once (default: %(default)s)")
    made.add_argument("--together", type=positive, default=200, help="what they write in all (default: %(default)s)")
    made.add_argument("--writes", type=positive, default=1000, help="before weighing a store (default: %(default)s)")
    made.add_argument("--rounds", type=positive, default=3, help="in which they take turns (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of the lessons and questions (default: %(default)s)")
    return made.parse_args()


if __name__ == "__main__":
    run_async(main, arguments())
