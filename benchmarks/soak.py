"""Does anything grow without bound, or slow down, while several processes work on one data directory for an hour?

Two stdio servers and an HTTP server live throughout; another HTTP server is killed and started again now and then.
Their clients ask, report what came of it, prune and take that back, while consolidation and upkeep run behind. Memory,
open files and threads of each process, disk and table versions, and how long calls take, are sampled as it goes.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import numpy as np
from command_line import parser, run_async
from connection import CALL_SECONDS, Connection, ToolFailed
from footprint import resident_megabytes
from lessons import Lesson, lessons
from matplotlib.figure import Figure
from mcp import Client
from process import http_process, stdio_server
from report import print_table, write_json

from fleetlore.server.status import disk_by_part

SAMPLES = 60
KILLS = 8
TOPICS = 5_000
PRUNED_EVERY = 40

MORE_FILES, MORE_THREADS = 60, 24  # who takes over the upkeep starts LanceDB's threads for it
MORE_MEGABYTES, MORE_MEGABYTES_PER_THOUSAND = 128.0, 20.0  # LanceDB's two caches may fill
LONGEST_LOG = 64e6
SLOWER, SLOWER_MS = 2.0, 25.0
MORE_VERSIONS, MORE_SPACE = 500, 60e6

EPILOG = f"""\
Exit code 1 if something grows without bound, by what it came to in the last quarter beside the second quarter (the
first is for warming up):
  open files of a process by more than {MORE_FILES}, its threads by more than {MORE_THREADS};
  its memory by more than {MORE_MEGABYTES:.0f} MB and more than {MORE_MEGABYTES_PER_THOUSAND:.0f} MB per 1,000 calls;
  versions of the tables by more than half and {MORE_VERSIONS};
  what the spaces take by more than items do, half of it and {MORE_SPACE / 1e6:.0f} MB;
  the ledger's log is ever longer than {LONGEST_LOG / 1e6:.0f} MB;
  the median of a sort of call to more than {SLOWER:.0f} times and {SLOWER_MS:.0f} ms.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """What one process uses."""

    megabytes: float
    files: int
    threads: int
    calls: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """How everything stands at `second`; `taken` are the milliseconds of the calls since the sample before."""

    second: float
    processes: dict[str, Use]
    disk: dict[str, int]
    versions: int
    items: int
    taken: dict[str, list[float]]


@dataclass(slots=True)
class Soak:
    """What is under way: who serves, how many calls each answered, what they took, what failed."""

    data: Path
    until: float
    pids: dict[str, int] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refused: Counter[str] = field(default_factory=Counter)
    items: int = 0
    kills: int = 0

    def over(self) -> bool:
        return time.monotonic() >= self.until

    async def call(self, server: str, connection: Connection, tool: str, **arguments: object) -> dict[str, Any]:
        began = time.perf_counter()
        answer = await connection.call(tool, arguments)
        self.taken[tool].append((time.perf_counter() - began) * 1000)
        self.calls[server] += 1
        return answer


async def work(soak: Soak, server: str, connection: Connection, agent: str, lot: Sequence[Lesson], seed: int) -> None:
    """What an agent does, over and over: ask, do, report; now and then prune an item and think better of it."""
    chance = random.Random(seed)
    for turn in endless():
        if soak.over():
            return
        lesson = chance.choice(lot)
        found = await soak.call(server, connection, "retrieve_knowledge", task=lesson.paraphrase, agent=agent)
        items = found.get("items", [])
        report: dict[str, object] = {"task": lesson.exact, "agent": agent, "receipt": found["receipt"]}
        report["outcome"] = chance.choice(("success", "success", "failure"))
        if chance.random() < 0.5:
            report["insight"] = lesson.insight
            report["applies_when"] = lesson.applies_when
        if items and chance.random() < 0.5:
            report["helpful"] = [items[0]["id"]]
        answer = await soak.call(server, connection, "submit_feedback", **report)
        soak.items += sum(learned["decision"] == "new" for learned in answer.get("learned", ()))
        if items and turn % PRUNED_EVERY == PRUNED_EVERY - 1:
            await rethink(soak, server, connection, agent, items[-1]["id"])


async def rethink(soak: Soak, server: str, connection: Connection, agent: str, item: str) -> None:
    try:
        plan = await soak.call(
            server, connection, "prune", ids=[item], reason="soaking", space="all", apply=True, agent=agent
        )
        await soak.call(server, connection, "prune", undo=plan["plan"], agent=agent)
    except ToolFailed as failed:  # another agent, or consolidation, may have taken it away first
        soak.refused[str(failed)[:60]] += 1


def endless() -> Iterator[int]:
    turn = 0
    while True:
        yield turn
        turn += 1


@asynccontextmanager
async def stdio(soak: Soak, name: str) -> AsyncIterator[Connection]:
    before = children(soak.data)
    async with Client(stdio_server(soak.data), read_timeout_seconds=CALL_SECONDS) as client:
        [soak.pids[name]] = children(soak.data) - before
        yield Connection(client=client)


def children(data: Path) -> set[int]:
    """The processes that serve this folder."""
    found = set()
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            if {b"serve", str(data).encode()} <= set(line.read_bytes().split(b"\0")):
                found.add(int(line.parent.name))
    return found


async def victim(soak: Soak, lot: Sequence[Lesson], every: float) -> None:
    """A server that is killed in the midst of its work, and started again."""
    while not soak.over():
        with suppress(Exception):  # whatever its client meets when it dies is what this is about
            async with http_process(soak.data) as (url, pid), anyio.create_task_group() as tasks:
                soak.pids["killed now and then"] = pid
                tasks.start_soon(kill_later, soak, pid, every)
                async with Client(url, read_timeout_seconds=CALL_SECONDS) as client:
                    await work(soak, "killed", Connection(client=client), "vic", lot, soak.kills)
                tasks.cancel_scope.cancel()


async def kill_later(soak: Soak, pid: int, seconds: float) -> None:
    await anyio.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    soak.kills += 1


def look(soak: Soak, began: float) -> Sample:
    taken = {name: list(times) for name, times in soak.taken.items()}
    soak.taken.clear()
    return Sample(
        second=round(time.monotonic() - began, 1),
        processes={name: use(soak, name, pid) for name, pid in soak.pids.items() if "killed" not in name},
        disk=disk_by_part(soak.data),
        versions=sum(1 for _ in soak.data.glob("spaces/*/_versions/*.manifest")),
        items=soak.items,
        taken=taken,
    )


def use(soak: Soak, name: str, pid: int) -> Use:
    process = Path(f"/proc/{pid}")
    return Use(
        megabytes=round(resident_megabytes(pid), 1),
        files=sum(1 for _ in (process / "fd").iterdir()),
        threads=sum(1 for _ in (process / "task").iterdir()),
        calls=soak.calls[name],
    )


def unbounded(samples: Sequence[Sample]) -> list[str]:
    """What grew beyond the rules that `--help` tells; empty where nothing did."""
    quarter = len(samples) // 4
    second, last = samples[quarter : 2 * quarter], samples[3 * quarter :]
    found = []
    for name in samples[-1].processes:
        early = [sample.processes[name] for sample in second if name in sample.processes]
        late = [sample.processes[name] for sample in last]
        for what, most in (("files", MORE_FILES), ("threads", MORE_THREADS)):
            more = max(getattr(each, what) for each in late) - max(getattr(each, what) for each in early)
            if more > most:
                found.append(f"{name}: {more} more {what}")
        grown = float(np.median([each.megabytes for each in late]) - np.median([each.megabytes for each in early]))
        thousands = (late[-1].calls - early[0].calls) / 1000
        if grown > MORE_MEGABYTES and grown > MORE_MEGABYTES_PER_THOUSAND * thousands:
            found.append(f"{name}: {grown:.0f} MB more in {thousands * 1000:,.0f} calls")
    versions = max(each.versions for each in second), max(each.versions for each in last)
    if versions[1] > 1.5 * versions[0] + MORE_VERSIONS:
        found.append(f"versions of tables: {versions[1]:,} after {versions[0]:,}")
    spaces = [max(each.disk["general"] + each.disk["prompt"] for each in part) for part in (second, last)]
    growth = max(1.0, last[-1].items / max(1, second[-1].items))
    if spaces[1] > 1.5 * growth * spaces[0] + MORE_SPACE:
        found.append(f"spaces: {spaces[1] / 1e6:.0f} MB after {spaces[0] / 1e6:.0f} MB")
    if (log := max(each.disk["log"] for each in samples)) > LONGEST_LOG:
        found.append(f"the ledger's log: {log / 1e6:.0f} MB")
    for tool in ("retrieve_knowledge", "submit_feedback"):
        before, after = (median(tool, part) for part in (second, last))
        if after > SLOWER * before + SLOWER_MS:
            found.append(f"{tool}: median {after:.0f} ms after {before:.0f} ms")
    return found


def median(tool: str, samples: Sequence[Sample]) -> float:
    return percentile(50, tool, samples)


def percentile(share: int, tool: str, samples: Sequence[Sample]) -> float:
    taken = [one for sample in samples for one in sample.taken.get(tool, ())]
    return float(np.percentile(taken, share)) if taken else 0.0


def tell(samples: Sequence[Sample]) -> None:
    quarters = [samples[len(samples) * part // 4 : len(samples) * (part + 1) // 4] for part in range(4)]
    rows = []
    for name in samples[-1].processes:
        for what in ("megabytes", "files", "threads"):
            most = [max(getattr(each.processes[name], what) for each in part) for part in quarters]
            rows.append((f"{name}: {what}", *(f"{one:,.0f}" for one in most)))
    for part_name in samples[-1].disk:
        most = [max(each.disk[part_name] for each in part) / 1e6 for part in quarters]
        rows.append((f"disk: {part_name} (MB)", *(f"{one:,.1f}" for one in most)))
    rows.append(("versions of tables", *(f"{max(each.versions for each in part):,}" for part in quarters)))
    rows.append(("items", *(f"{part[-1].items:,}" for part in quarters)))
    for tool in ("retrieve_knowledge", "submit_feedback", "prune"):
        for share in (50, 95):
            rows.append((f"{tool} p{share} (ms)", *(f"{percentile(share, tool, part):,.1f}" for part in quarters)))
    print_table("The most of each quarter of the time", ("", "first", "second", "third", "last"), rows)


def draw(path: Path | None, samples: Sequence[Sample]) -> None:
    if path is None:
        return
    figure = Figure(figsize=(11, 6), layout="constrained")
    panels = list(figure.subplots(2, 3).flat)
    minutes = [sample.second / 60 for sample in samples]
    for panel, what, title in zip(
        panels, ("megabytes", "files", "threads"), ("memory (MB)", "open files", "threads"), strict=False
    ):
        for name in samples[-1].processes:
            panel.plot(minutes, [getattr(sample.processes[name], what) for sample in samples], label=name)
        panel.set(title=title, ylim=(0, None))
    panels[0].legend(frameon=False)
    for part in samples[-1].disk:
        panels[3].plot(minutes, [sample.disk[part] / 1e6 for sample in samples], label=part)
    panels[3].legend(frameon=False)
    panels[3].set(title="disk (MB)", xlabel="minutes")
    panels[4].plot(minutes, [sample.versions for sample in samples])
    panels[4].set(title="versions of the tables", xlabel="minutes", ylim=(0, None))
    for tool in ("retrieve_knowledge", "submit_feedback"):
        for share, dashes in ((50, "-"), (95, ":")):
            times = [percentile(share, tool, [sample]) for sample in samples]
            panels[5].plot(minutes, times, dashes, label=f"{tool} p{share}")
    panels[5].legend(frameon=False)
    panels[5].set(title="a call (ms)", xlabel="minutes", ylim=(0, None))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


async def main(options: argparse.Namespace) -> None:
    seconds = options.minutes * 60
    lot = lessons(TOPICS, options.seed)
    started = time.monotonic()
    samples: list[Sample] = []
    with TemporaryDirectory(prefix="soak-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        async with AsyncExitStack() as stack:
            soak = Soak(data=data, until=0.0)
            url, soak.pids["http"] = await stack.enter_async_context(http_process(data))
            team = [("http", Connection(client=await stack.enter_async_context(Client(url)))) for _ in range(2)]
            for name in ("stdio 1", "stdio 2"):
                team.append((name, await stack.enter_async_context(stdio(soak, name))))
            began = time.monotonic()
            soak.until = began + seconds
            tasks = await stack.enter_async_context(anyio.create_task_group())
            for place, (server, connection) in enumerate(team):
                tasks.start_soon(work, soak, server, connection, f"agent-{place}", lot, place)
            tasks.start_soon(victim, soak, lot, seconds / KILLS)
            while not soak.over():
                await anyio.sleep(seconds / SAMPLES)
                samples.append(await anyio.to_thread.run_sync(look, soak, began))
                print(f"\r{samples[-1].second:6.0f} s, {soak.calls.total():,} calls", end="", file=sys.stderr)
    print(file=sys.stderr)
    tell(samples)
    found = unbounded(samples)
    draw(options.picture, samples)
    write_json(
        options.json,
        benchmark="soak",
        settings={"minutes": options.minutes, "seed": options.seed},
        results={
            "samples": [asdict(sample) for sample in samples],
            "calls": dict(soak.calls),
            "kills": soak.kills,
            "refused": dict(soak.refused),
            "unbounded": found,
        },
        seconds=time.monotonic() - started,
    )
    calls = ", ".join(f"{server} {count:,}" for server, count in soak.calls.items())
    print(f"calls: {calls}; one server killed {soak.kills} times; pruning refused {soak.refused.total()} times")
    for one in found:
        print(f"grows: {one}")
    if found:
        sys.exit(1)
    print("nothing grows without bound")


if __name__ == "__main__":
    made = parser(__doc__ or "", EPILOG)
    made.add_argument("--minutes", type=float, default=60.0, help="how long (default: %(default)s; CI: 3)")
    made.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    made.add_argument("--picture", type=Path, metavar="FILE", help="draw all of it to this .png or .svg")
    run_async(main, made.parse_args())
