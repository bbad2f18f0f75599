"""What does it cost a server to know who calls? Its CPU time a call, with tokens and without.

Two servers, one whose data knows a hundred tokens and one whose data knows none, take turns on the same requests in one
run: the list of tools, which costs next to nothing else, and a retrieval. Counted is the time that all threads of the
server's process were on a CPU, as Linux keeps it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from command_line import parser, positive, run_async
from footprint import cpu_seconds
from process import http_process
from report import print_table, progress_bar, write_json

from fleetlore.server.access.issuing import issue
from fleetlore.server.settings import utc_now
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import AgentName

TOKENS = 100
EPILOG = "It needs nothing but Linux. Example: authentication.py --rounds 10 --calls 200 --json result.json"
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
REQUESTS: Mapping[str, Mapping[str, object]] = {
    "tools/list": {"method": "tools/list"},
    "retrieve_knowledge": {
        "method": "tools/call",
        "params": {"name": "retrieve_knowledge", "arguments": {"task": "rotate the signing keys"}},
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """A server, how it is asked, and milliseconds of CPU a call, per request and round."""

    url: str
    pid: int
    http: httpx2.AsyncClient
    taken: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in REQUESTS})

    async def round(self, name: str, calls: int) -> float:
        before = cpu_seconds([self.pid])
        for number in range(calls):
            answer = await self.http.post(self.url, json={"jsonrpc": "2.0", "id": number, **REQUESTS[name]})
            answer.raise_for_status()
        return (cpu_seconds([self.pid]) - before) / calls * 1000


async def tokens(data: Path) -> str:
    """Make them; returns the last one."""
    async with Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger:
        for number in range(TOKENS):
            name = f"agent-{number}"
            _, text = await issue(ledger, name, ("read", "write"), timedelta(days=1), by=AgentName("benchmark"))
    return text


async def measure(options: argparse.Namespace, folder: Path) -> tuple[Side, Side]:
    async with AsyncExitStack() as stack:
        sides = []
        for name in ("with", "without"):
            data = folder / name
            data.mkdir()
            bearing = {"Authorization": f"Bearer {await tokens(data)}"} if name == "with" else {}
            url, pid = await stack.enter_async_context(http_process(data))
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=HEADERS | bearing))
            sides.append(Side(url=url, pid=pid, http=http))
        for request in REQUESTS:
            for side in sides:
                await side.round(request, options.calls)  # warms up
        with progress_bar() as progress:
            for number in progress.track(range(options.rounds), description="rounds"):
                for request in REQUESTS:
                    for side in sides if number % 2 else reversed(sides):
                        side.taken[request].append(await side.round(request, options.calls))
    return sides[0], sides[1]


async def main(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    with TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True) as folder:
        guarded, free = await measure(options, Path(folder))
    rows, results = [], []
    for name in REQUESTS:
        pairs = list(zip(guarded.taken[name], free.taken[name], strict=True))
        extra = [mine - others for mine, others in pairs]
        figures = {
            "with_tokens_ms": statistics.median(guarded.taken[name]),
            "without_ms": statistics.median(free.taken[name]),
            "difference_ms": statistics.median(extra),
            "ratio": statistics.median(mine / others for mine, others in pairs),
        }
        results.append({"request": name, **{figure: round(value, 4) for figure, value in figures.items()}})
        spread = f"{figures['difference_ms']:.3f} ({min(extra):.3f} to {max(extra):.3f})"
        told = (f"{figures['with_tokens_ms']:.3f}", f"{figures['without_ms']:.3f}", spread, f"{figures['ratio']:.2f}")
        rows.append((name, *told))
    print_table(
        f"CPU milliseconds a call, medians of {options.rounds} rounds of {options.calls} calls",
        ("request", "with tokens", "without", "difference (lowest to highest)", "ratio"),
        rows,
    )
    write_json(
        options.json,
        benchmark="authentication",
        settings={name: value for name, value in vars(options).items() if name != "json"},
        results=results,
        seconds=time.perf_counter() - started,
    )


def arguments() -> argparse.Namespace:
    made = parser(__doc__, EPILOG)
    made.add_argument("--rounds", type=positive, default=10, help="alternating rounds (default: %(default)s)")
    made.add_argument("--calls", type=positive, default=200, help="calls per request and round (default: %(default)s)")
    return made.parse_args()


if __name__ == "__main__":
    run_async(main, arguments())
