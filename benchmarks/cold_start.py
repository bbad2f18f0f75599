"""How long does a command take that starts from nothing, on a store that is not small?

Assistants call hooks at every start, stop and command, each time as a new process. A store is filled past the server:
technical lessons in several projects, receipts of many sessions. Then whole processes are timed from start to end, in
turn, beside an interpreter that does nothing and a command that reads nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import library_environment  # noqa: F401  before the libraries that read it
import numpy as np
from command_line import parser, positive, run
from filling import fill, now, opened, upkeep
from lessons import lessons
from process import environment
from report import print_table, progress_bar, write_json
from rich.progress import Progress

from fleetlore.storage.identifiers import ItemId, ReceiptId, new_receipt_id
from fleetlore.storage.ledger import LedgerTransaction
from fleetlore.storage.records import AgentName, Evidence, Item, Receipt, Shown

PROJECTS = (*(f"acme/service-{number}" for number in range(20)), "")
AGENT = AgentName("claude-code@ana")
SHOWN, NEAR = 5, 50
NAMED_IN_TRANSCRIPT = 20
EIGHT_WORDS = ("gateway", "timeout", "retry", "pool", "migration", "deploy", "cache", "locale")
FLEETLORE = (sys.executable, "-m", "fleetlore.server")


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What the processes work on: the data, a session's transcript, and receipts that nobody was asked for yet."""

    data: Path
    folder: Path
    transcript: Path
    fresh: Sequence[ReceiptId]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A command as it is called: its line, and what it reads the n-th time."""

    line: Sequence[str]
    said: Callable[[int], Mapping[str, object]] = lambda _: {}


def cases(session: Session) -> dict[str, Case]:
    """The commands to time. Those that hooks call should end within 300 ms, a search within a second."""
    data = ("--data", str(session.data))
    said: Mapping[str, object] = {"cwd": str(session.folder), "transcript_path": str(session.transcript)}

    def ran(command: str) -> Mapping[str, object]:
        response = {"stdout": "", "stderr": "", "interrupted": False}
        return {**said, "tool_name": "Bash", "tool_input": {"command": command}, "tool_response": response}

    return {
        "python -c pass": Case(line=(sys.executable, "-c", "pass")),
        "fleetlore --version": Case(line=(*FLEETLORE, "--version")),
        "hook session-start": Case(line=(*FLEETLORE, "hook", "session-start", *data), said=lambda _: said),
        "hook stop, nothing missing": Case(line=(*FLEETLORE, "hook", "stop", *data), said=lambda _: said),
        "hook stop, asks": Case(
            line=(*FLEETLORE, "hook", "stop", *data),
            said=lambda number: {**said, "receipts": [session.fresh[number]]},
        ),
        "hook tool-use, nothing implied": Case(
            line=(*FLEETLORE, "hook", "tool-use", *data), said=lambda _: ran("git status")
        ),
        "hook tool-use, tests or a revert": Case(
            line=(*FLEETLORE, "hook", "tool-use", *data),
            # Something else each time: the same once more would store nothing.
            said=lambda number: ran("pytest" if number % 2 else "git checkout ."),
        ),
        "search, a name": Case(line=(*FLEETLORE, "search", "ROUT-8181", *data)),
        "search, eight words": Case(line=(*FLEETLORE, "search", *EIGHT_WORDS, *data)),
    }


def lived(item: Item, rng: random.Random) -> Item:
    """An item as it may stand after a while, in one of the projects."""
    return replace(
        item,
        project=rng.choice(PROJECTS),
        stage="active" if rng.random() < 0.5 else "provisional",
        evidence=Evidence(trust=rng.uniform(0.01, 0.99)),
    )


async def give(
    receipts: Sequence[Receipt], transaction: LedgerTransaction, *, answered: Callable[[int], bool] = lambda _: False
) -> None:
    for number, receipt in enumerate(receipts):
        await transaction.give_receipt(receipt)
        if answered(number):
            await transaction.answer_receipt(receipt.id)


def receipts_of(known: Sequence[ItemId], count: int, rng: random.Random) -> list[Receipt]:
    return [
        Receipt(
            id=new_receipt_id(now()),
            at=now(),
            agent=AGENT,
            project=rng.choice(PROJECTS),
            task_type="",
            task=f"deploy service {number}",
            mode="follow",
            shown=tuple(Shown(item=item, relevance=0.9, score=0.5) for item in rng.choices(known, k=SHOWN)),
            near=tuple((item, 0.5) for item in rng.choices(known, k=NEAR)),
        )
        for number in range(count)
    ]


async def filled(
    options: argparse.Namespace, data: Path, progress: Progress
) -> tuple[list[ReceiptId], list[ReceiptId]]:
    """Fill a store; the receipts of one session, of which nothing is missing, and fresh ones, one for each repeat."""
    rng = random.Random(f"cold start/receipts/{options.seed}")
    async with opened(data) as unit:
        made = lessons(options.items, options.seed)
        lives = random.Random(f"cold start/{options.seed}")
        known = await fill(unit, made, progress, changed=lambda item: lived(item, lives))
        await upkeep(unit)
        session = receipts_of(known, NAMED_IN_TRANSCRIPT, rng)
        fresh = receipts_of(known, options.repeats + 1, rng)
        others = receipts_of(known, options.receipts, rng)
        await unit.ledger.write(partial(give, others, answered=lambda number: number % 2 == 0))
        await unit.ledger.write(partial(give, fresh))
        last = len(session) - 1
        await unit.ledger.write(partial(give, session, answered=lambda number: number != last))
        await unit.ledger.write(lambda transaction: transaction.remind([session[last].id]))
    return [receipt.id for receipt in session], [receipt.id for receipt in fresh]


def prepare(options: argparse.Namespace, folder: Path, progress: Progress) -> Session:
    named, fresh = anyio.run(filled, options, folder / "data", progress)
    project = folder / "project"
    project.mkdir()
    for arguments in (["init", "-q"], ["remote", "add", "origin", f"https://example.org/{PROJECTS[0]}.git"]):
        subprocess.run(["git", "-C", str(project), *arguments], check=True)
    transcript = folder / "transcript.jsonl"
    write_transcript(transcript, named, options.transcript)
    return Session(data=folder / "data", folder=project, transcript=transcript, fresh=fresh)


def write_transcript(file: Path, receipts: Sequence[ReceiptId], megabytes: int) -> None:
    line = json.dumps({"type": "assistant", "message": {"content": [{"type": "text", "text": "reading a file " * 60}]}})
    between = "".join(f"{line}\n" for _ in range(megabytes * 1_000_000 // len(receipts) // len(line)))
    with file.open("w") as sink:
        for receipt in receipts:
            sink.write(between)
            sink.write(json.dumps({"type": "user", "toolUseResult": json.dumps({"receipt": receipt})}) + "\n")


def timed(case: Case, number: int, session: Session) -> float:
    """Milliseconds from the start of the process to its end."""
    said = json.dumps(case.said(number)).encode()
    started = time.perf_counter()
    ended = subprocess.run(
        case.line, input=said, capture_output=True, env=environment(), cwd=session.folder, check=True
    )
    taken = (time.perf_counter() - started) * 1000
    if ended.stderr:
        raise SystemExit(f"{' '.join(case.line)}: {ended.stderr.decode()}")
    return taken


def measure(options: argparse.Namespace, session: Session, progress: Progress) -> dict[str, list[float]]:
    rng = random.Random(f"cold start/order/{options.seed}")
    to_time = cases(session)
    taken: dict[str, list[float]] = {name: [] for name in to_time}
    for number in progress.track(range(options.repeats + 1), description="timing"):
        for name in rng.sample(list(to_time), len(to_time)):
            milliseconds = timed(to_time[name], number, session)
            if number:  # the first time warms up the disk
                taken[name].append(milliseconds)
    return taken


def main(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    with TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True) as folder, progress_bar() as progress:
        session = prepare(options, Path(folder), progress)
        taken = measure(options, session, progress)
    results = {name: figures(times) for name, times in taken.items()}
    print_table(
        f"Milliseconds of a whole process, {options.items:,} items, {options.receipts:,} receipts",
        ("command", "median", "p95", "most"),
        [(name, *(f"{row[key]:.0f}" for key in ("median", "p95", "most"))) for name, row in results.items()],
    )
    write_json(
        options.json,
        benchmark="cold_start",
        settings={name: value for name, value in vars(options).items() if name != "json"},
        results=results,
        seconds=time.perf_counter() - started,
    )


def figures(taken: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(taken), 1),
        "p95": round(float(np.percentile(taken, 95)), 1),
        "most": round(max(taken), 1),
        "processes": len(taken),
    }


def arguments() -> argparse.Namespace:
    made = parser(__doc__, "It needs git and no data: the lessons are made from the seed.")
    made.add_argument("--items", type=positive, default=100_000, help="lessons that are known (default: %(default)s)")
    made.add_argument("--receipts", type=positive, default=5_000, help="given before (default: %(default)s)")
    made.add_argument("--transcript", type=positive, default=8, help="megabytes of it (default: %(default)s)")
    made.add_argument("--repeats", type=positive, default=40, help="processes of each (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of the lessons and the order (default: %(default)s)")
    return made.parse_args()


if __name__ == "__main__":
    run(main, arguments())
