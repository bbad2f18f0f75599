"""Servers killed at random moments under load, while upkeep runs in them: is what they acknowledged kept?

Stdio servers and HTTP servers share one data directory; each is sent reports until it is killed by kill -9, and another
takes its place. What was sent and not acknowledged is sent again with its key. At the end everything is counted, read
by `fleetlore check`, and a new server is timed from its start to its first answered retrieval.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import signal
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from command_line import parser, positive, run_async
from connection import ToolFailed
from counting import kept_in
from filling import fill, many_lessons, opened, settle
from light_clients import LightClient, over_http, over_stdio
from process import command, http_process, log_of
from report import print_table, progress_bar, write_json

STARTS = 5
LONGEST_LIFE = 8.0
EPILOG = """\
Exit code 1 if an acknowledged report is lost, one is stored twice, a living server refuses one (nothing is killed any
more then), or `fleetlore check` finds a fault.
"""


@dataclass(slots=True)
class Outcome:
    """What was sent and acknowledged, by key, and what was found in the end."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    unanswered: list[dict[str, object]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    kills: int = 0
    lost: int = 0
    doubled: int = 0
    faults: list[str] = field(default_factory=list)
    restart_seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A place where one server follows the other, each killed after some time."""

    data: Path
    number: int
    outcome: Outcome
    chance: random.Random
    most: int

    async def work(self) -> None:
        life = 0
        while self.outcome.kills < self.most and not self.outcome.refused:
            async with AsyncExitStack() as stack:
                client, pid = await self._server(stack)
                killed = asyncio.Event()
                death = asyncio.get_running_loop().call_later(
                    self.chance.uniform(0.0, LONGEST_LIFE), self._kill, pid, killed
                )
                try:
                    await self._report(client, life, killed)
                finally:
                    death.cancel()
            life += 1

    def _kill(self, pid: int, killed: asyncio.Event) -> None:
        os.kill(pid, signal.SIGKILL)
        self.outcome.kills += 1
        killed.set()

    async def _server(self, stack: AsyncExitStack) -> tuple[LightClient, int]:
        if self.number % 2:
            url, pid = await stack.enter_async_context(http_process(self.data))
            [client] = await stack.enter_async_context(over_http(url, 1))
        else:
            line, log = command(self.data), log_of(self.data)
            clients, pids = await stack.enter_async_context(over_stdio(line, 1, log))
            [client], [pid] = clients, pids
        return client, pid

    async def _report(self, client: LightClient, life: int, killed: asyncio.Event) -> None:
        """One report after the other, until the server dies."""
        for turn in itertools.count():
            name = f"{self.number}/{life}/{turn}"
            report: dict[str, object] = {
                "task": f"task {name}",
                "outcome": "success",
                "insight": f"agent {self.number} learnt in life {life} lesson number {turn}",
                "agent": f"agent-{self.number}",
                "key": name,
            }
            try:
                self.outcome.acknowledged[name] = (await client.call("submit_feedback", report))["feedback"]
            except (ToolFailed, OSError, asyncio.IncompleteReadError) as error:
                self.outcome.unanswered.append(report)
                if not killed.is_set():
                    self.outcome.refused.append(str(error))
                return


async def finish(data: Path, outcome: Outcome, before: int) -> None:
    """Sends again what was not acknowledged, counts, checks, and times starts."""
    async with over_stdio(command(data), 1, log_of(data)) as ([client], _):
        for report in outcome.unanswered:
            outcome.acknowledged[str(report["key"])] = (await client.call("submit_feedback", report))["feedback"]
    kept = kept_in(data)
    outcome.lost = sum(feedback not in kept.reports for feedback in outcome.acknowledged.values())
    outcome.doubled = max(0, kept.stored - before - len(outcome.acknowledged))
    outcome.faults = list(kept.faults)
    for number in range(STARTS):
        began = time.perf_counter()
        async with over_stdio(command(data), 1, log_of(data)) as ([client], _):
            await client.call("retrieve_knowledge", {"task": f"task 0/0/{number}", "agent": "reader"})
            outcome.restart_seconds.append(time.perf_counter() - began)


async def main(options: argparse.Namespace) -> None:
    began = time.perf_counter()
    outcome = Outcome()
    with TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        if options.items:
            with progress_bar() as progress:
                async with opened(data) as unit:
                    await fill(unit, list(many_lessons(options.items, options.seed)), progress)
                    await settle(unit)
        slots = [
            Slot(
                data=data,
                number=number,
                outcome=outcome,
                chance=random.Random(f"{options.seed}/{number}"),
                most=options.kills,
            )
            for number in range(options.processes)
        ]
        await asyncio.gather(*(slot.work() for slot in slots))
        await finish(data, outcome, options.items)
    restart = f"{np.median(outcome.restart_seconds):.2f}"
    row = (f"{options.items:,} items", str(outcome.kills), str(len(outcome.acknowledged)), str(len(outcome.unanswered)))
    found = (str(outcome.lost), str(outcome.doubled), str(len(outcome.faults)), restart)
    print_table(f"{options.processes} servers, every other over HTTP", HEADER, [(*row, *found)])
    for fault in (*outcome.faults, *outcome.refused):
        print(fault)
    write_json(
        options.json,
        benchmark="kills",
        settings={key: value for key, value in vars(options).items() if key != "json"},
        results={key: value for key, value in asdict(outcome).items() if key not in ("acknowledged", "unanswered")}
        | {"acknowledged": len(outcome.acknowledged), "sent_again": len(outcome.unanswered)},
        seconds=time.perf_counter() - began,
    )
    if outcome.lost or outcome.doubled or outcome.faults or outcome.refused:
        sys.exit(1)


HEADER = ("", "kills", "acknowledged", "sent again", "lost", "doubled", "faults", "restart s")


def command_line() -> argparse.ArgumentParser:
    made = parser(__doc__ or "", EPILOG)
    made.add_argument("--kills", type=positive, default=100, help="at least so many (default: %(default)s)")
    made.add_argument("--processes", type=positive, default=4, help="at the same time (default: %(default)s)")
    made.add_argument("--items", type=int, default=100_000, help="there before (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    return made


if __name__ == "__main__":
    run_async(main, command_line().parse_args())
