"""A closed loop: so many clients, each making its next call when the one before is answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from footprint import cpu_seconds

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """One round of calls: how long each took in milliseconds, and what they cost the server together."""

    taken: tuple[float, ...]
    seconds: float
    server_seconds: float = 0.0


async def loop(workers: Sequence[Iterator[Call]], *, pids: Iterable[int] = ()) -> Round:
    """Let every worker make its calls one after the other, all workers at once."""
    watched = tuple(pids)
    taken: list[float] = []

    async def work(calls: Iterator[Call]) -> None:
        for call in calls:
            began = time.perf_counter()
            await call()
            taken.append((time.perf_counter() - began) * 1000)

    spent, started = cpu_seconds(watched), time.perf_counter()
    await asyncio.gather(*(work(calls) for calls in workers))
    seconds = time.perf_counter() - started
    return Round(taken=tuple(taken), seconds=seconds, server_seconds=cpu_seconds(watched) - spent)


def figures(rounds: Sequence[Round]) -> dict[str, float]:
    """What several rounds of the same came to; rates are medians of rounds."""
    every = [one for each in rounds for one in each.taken]
    p50, p95, p99 = np.percentile(every, (50, 95, 99))
    return {
        "p50_ms": round(float(p50), 2),
        "p95_ms": round(float(p95), 2),
        "p99_ms": round(float(p99), 2),
        "calls_per_second": round(float(np.median([len(each.taken) / each.seconds for each in rounds])), 1),
        "server_cpu_ms": round(sum(each.server_seconds for each in rounds) / len(every) * 1000, 2),
        "calls": len(every),
    }
