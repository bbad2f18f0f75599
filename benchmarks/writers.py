"""Many processes write to one data directory at once: is everything kept, once, and does nobody wait?

As on a day with an IDE in every window: so many stdio servers and an HTTP server, each with a client that reports one
lesson after the other. Every tenth is looked for at once through the next process. Beside it, in the same round and
from as many processes, what the stores themselves need for a write: a commit of SQLite, synced, and a row added to a
LanceDB table under a file lock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from command_line import parser, positive, run_async
from connection import ToolFailed
from counting import kept_in
from lessons import Lesson, lessons
from light_clients import LightClient, over_http, over_stdio
from process import command, http_server, log_of
from report import print_table, write_json

SEEN_EVERY = 10
LONG_MS = 1_000.0
MEMORY, COMMITS, ROWS = "fleetlore", "SQLite commits", "LanceDB rows"
EPILOG = """\
A write is acknowledged once its call is answered. Kept are those whose report is in what `fleetlore export` writes
afterwards; doubled is what the store has beyond what was sent. Seen says how many of those looked for were in the next
retrieval of another process, and how long after the acknowledgement that was answered. The first write of each process
counts like the others, also where it takes over a second, but is timed apart: they come all at once while the processes
still load their libraries. Exit code 1 if one is lost, doubled or refused, or `fleetlore check` finds a fault.
"""
_RAW = Path(__file__).with_name("raw_writers.py")


@dataclass(slots=True)
class Tally:
    """What the writers of one round, or of all, met."""

    taken: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    feedback: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    unseen: int = 0
    kept: int = 0
    doubled: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(slots=True)
class Desk:
    """A client that others use too: one call at a time."""

    client: LightClient
    free: asyncio.Lock = field(default_factory=asyncio.Lock)


async def write_all(desks: Sequence[Desk], lots: Sequence[Sequence[Lesson]]) -> Tally:
    tally = Tally()
    await asyncio.gather(*(work(tally, desks, number, lot[:1]) for number, lot in enumerate(lots)))
    tally.first, tally.taken = tally.taken, []
    began = time.perf_counter()
    await asyncio.gather(*(work(tally, desks, number, lot, start=1) for number, lot in enumerate(lots)))
    tally.seconds = time.perf_counter() - began
    return tally


async def work(tally: Tally, desks: Sequence[Desk], number: int, lot: Sequence[Lesson], start: int = 0) -> None:
    own, other = desks[number], desks[(number + 1) % len(desks)]
    for turn, lesson in enumerate(lot[start:], start):
        report = {
            "task": lesson.applies_when,
            "outcome": "success",
            "insight": lesson.insight,
            "applies_when": lesson.applies_when,
            "agent": f"writer-{number}",
            "key": f"{number}/{turn}",
        }
        async with own.free:
            began = time.perf_counter()
            try:
                answer = await own.client.call("submit_feedback", report)
            except (ToolFailed, OSError, asyncio.IncompleteReadError) as error:
                tally.errors.append(str(error))
                continue
            finally:
                ended = time.perf_counter()
                tally.taken.append((ended - began) * 1000)
        tally.feedback.append(answer["feedback"])
        if turn % SEEN_EVERY == 0:
            async with other.free:
                found = await other.client.call(
                    "retrieve_knowledge", {"task": lesson.text, "agent": f"reader-{number}", "limit": 50}
                )
            if answer["learned"][0]["id"] in [item["id"] for item in found["items"]]:
                tally.seen.append((time.perf_counter() - ended) * 1000)
            else:
                tally.unseen += 1


async def memory(folder: Path, options: argparse.Namespace, made: Sequence[Lesson]) -> Tally:
    data = folder / "data"
    data.mkdir()
    lots = [made[start : start + options.writes] for start in range(0, len(made), options.writes)]
    async with (
        http_server(data) as url,
        over_http(url, options.http) as http,
        over_stdio(command(data), options.processes, log_of(data)) as (stdio, _),
    ):
        tally = await write_all([Desk(client) for client in (*stdio, *http)], lots)
    kept = kept_in(data)
    tally.kept = sum(feedback in kept.reports for feedback in tally.feedback)
    tally.doubled = max(0, kept.stored - len(tally.feedback) - len(tally.errors))
    tally.faults = list(kept.faults)
    return tally


async def raw(store: str, folder: Path, options: argparse.Namespace) -> Tally:
    """As many processes as write to the memory, each of which makes as many writes."""
    pipe = asyncio.subprocess.PIPE
    line = [sys.executable, str(_RAW), store, str(folder), str(options.writes)]
    count = options.processes + options.http
    processes = [await asyncio.create_subprocess_exec(*line, stdin=pipe, stdout=pipe) for _ in range(count)]
    for process in processes:
        assert process.stdout is not None
        await process.stdout.readline()  # it has opened the store
    began = time.perf_counter()
    told = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    tally = Tally(seconds=time.perf_counter() - began)
    for taken in (json.loads(output) for output, _ in told):
        tally.taken += taken
    return tally


def row(name: str, tally: Tally) -> tuple[str, ...]:
    p50, p95, most = np.percentile(tally.taken, (50, 95, 100))
    times = (f"{p50:.0f}", f"{p95:.0f}", f"{most:.0f}", f"{len(tally.taken) / tally.seconds:.0f}")
    long = sum(1 for one in (*tally.taken, *tally.first) if one > LONG_MS)
    if not tally.feedback:
        return (name, str(len(tally.taken)), "", "", "", *times, str(long), "", "", "")
    looked = len(tally.seen) + tally.unseen
    seen = f"{np.median(tally.seen):.0f}" if tally.seen else ""
    kept = (str(len(tally.feedback)), str(tally.kept), str(tally.doubled), str(len(tally.errors)))
    return (name, *kept, *times, str(long), f"{len(tally.seen)} of {looked}", seen, f"{max(tally.first):.0f}")


HEADER = (
    *("", "acknowledged", "kept", "doubled", "errors", "p50 ms", "p95 ms", "max ms", "writes/s"),
    *("over 1 s", "seen", "seen ms", "first ms"),
)


async def main(options: argparse.Namespace) -> None:
    began = time.perf_counter()
    tallies: Mapping[str, Tally] = {name: Tally() for name in (MEMORY, COMMITS, ROWS)}
    for number in range(options.rounds):
        made = lessons((options.processes + options.http) * options.writes, options.seed + number)
        for name in [*tallies][:: -1 if number % 2 else 1]:
            with TemporaryDirectory() as folder:
                if name == MEMORY:
                    tally = await memory(Path(folder), options, made)
                else:
                    tally = await raw("sqlite" if name == COMMITS else "lancedb", Path(folder), options)
            tallies[name].add(tally)
    title = f"{options.processes} stdio + {options.http} HTTP servers, {options.writes} writes each, {options.rounds} x"
    print_table(title, HEADER, [row(name, tally) for name, tally in tallies.items()])
    told = tallies[MEMORY]
    for fault in told.faults + told.errors:
        print(fault)
    write_json(
        options.json,
        benchmark="writers",
        settings={key: value for key, value in vars(options).items() if key != "json"},
        results={name: asdict(tally) for name, tally in tallies.items()},
        seconds=time.perf_counter() - began,
    )
    if told.kept < len(told.feedback) or told.doubled or told.errors or told.faults:
        sys.exit(1)


def command_line() -> argparse.ArgumentParser:
    made = parser(__doc__ or "", EPILOG)
    made.add_argument("--processes", type=positive, default=8, help="stdio servers (default: %(default)s)")
    made.add_argument("--http", type=positive, default=1, help="clients of the HTTP server (default: %(default)s)")
    made.add_argument("--writes", type=positive, default=100, help="by each of them (default: %(default)s)")
    made.add_argument("--rounds", type=positive, default=3, help="default: %(default)s")
    made.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    return made


if __name__ == "__main__":
    run_async(main, command_line().parse_args())
