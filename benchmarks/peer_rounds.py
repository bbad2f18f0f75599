"""What is measured of each memory, and in which order they take turns."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio
from connection import ToolFailed
from lessons import Lesson
from lookup import QUESTIONS, SHOWN, question
from mcp import MCPError
from peer import CannotRun, Peer, Session, log_of, tokens
from peer_environments import megabytes
from rich.progress import Progress

Refused = (CannotRun, ToolFailed, MCPError, TimeoutError, anyio.BrokenResourceError, anyio.ClosedResourceError)


@dataclass(kw_only=True, slots=True)
class Figures:
    """What was seen of one memory; of what takes turns, one entry per round."""

    writes: list[list[float]] = field(default_factory=list)
    """Milliseconds of each."""
    searches: list[list[float]] = field(default_factory=list)
    found: dict[str, list[bool]] = field(default_factory=lambda: {kind: [] for kind in QUESTIONS})
    together: list[Together] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """What was said to writes that were refused, also with one client."""
    schema: tuple[int, int] | None = None
    """Tokens of all tools, and of those that are needed."""
    disk: float | None = None
    size: float | None = None
    cannot: str = ""
    """Why there is nothing, or nothing more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Together:
    """What became of the writes of several processes at once."""

    sent: int
    acknowledged: int
    survived: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What all of them go through."""

    alone: Sequence[Lesson]
    further: Sequence[Lesson]
    """Written after the first round's questions, before the store is weighed."""
    asked: Sequence[Lesson]
    shares: Sequence[Sequence[Lesson]]
    """What each of the processes writes that write at once."""


async def rounds(
    figures: Mapping[str, Figures], peers: Sequence[Peer], course: Course, count: int, folder: Path, progress: Progress
) -> AsyncIterator[None]:
    """Let the memories take turns; who began the last round ends the next one. Yields after each turn."""
    turns = [(number, peer) for number in range(count) for peer in (peers if number % 2 == 0 else peers[::-1])]
    for number, peer in progress.track(turns, description="rounds"):
        mine = figures[peer.name]
        if mine.cannot:
            continue
        store = folder / f"{peer.name}-{number}"
        for part in (partial(alone, course=course, further=number == 0), partial(together, shares=course.shares)):
            store = store.with_name(f"{store.name}-")
            store.mkdir(parents=True)
            try:
                await part(peer, store, mine)
            except* (OSError, *Refused) as failed:
                mine.cannot = str(CannotRun.because(first(failed), log_of(store)))
            shutil.rmtree(store, ignore_errors=True)
        yield


def first(failed: BaseException) -> BaseException:
    """Every open connection wraps an error once more on its way out."""
    return first(failed.exceptions[0]) if isinstance(failed, BaseExceptionGroup) else failed


async def alone(peer: Peer, store: Path, mine: Figures, *, course: Course, further: bool) -> None:
    """One client: tell the lessons one by one, ask for them, and once weigh the store after more of them."""
    async with peer.open(store) as session:
        if mine.schema is None and (tools := await session.tools()):
            mine.schema = tokens(tools), tokens([tool for tool in tools if tool["name"] in peer.needed])
        mine.writes.append([await told(session, lesson, mine) for lesson in course.alone])
        taken = []
        for kind in QUESTIONS:
            for lesson in course.asked:
                started = time.perf_counter()
                shown = await session.search(question(lesson, kind), SHOWN)
                taken.append((time.perf_counter() - started) * 1000)
                mine.found[kind].append(any(lesson.insight in text for text in shown[:SHOWN]))
        mine.searches.append(taken)
        for lesson in course.further if further else ():
            await told(session, lesson, mine)
    if further:
        mine.disk = megabytes(store)


async def told(session: Session, lesson: Lesson, mine: Figures) -> float:
    """Tell a lesson. Returns the milliseconds until it was acknowledged or refused."""
    started = time.perf_counter()
    try:
        await session.write(lesson)
    except Refused as refused:
        mine.refusals.append(str(refused))
    return (time.perf_counter() - started) * 1000


async def together(peer: Peer, store: Path, mine: Figures, *, shares: Sequence[Sequence[Lesson]]) -> None:
    """Several clients, each with a server process of its own, write to one store at once; then a new one reads.

    The store is there already, as on every day but the first.
    """
    async with peer.open(store) as session:
        await session.search(shares[0][0].exact, SHOWN)
    acknowledged: list[Lesson] = []
    ready, ended = [anyio.Event() for _ in shares], [0.0 for _ in shares]
    go = anyio.Event()

    async def write(place: int) -> None:
        try:
            async with peer.open(store) as session:
                await session.search(shares[place][0].exact, SHOWN)  # loads what is loaded at first use
                ready[place].set()
                await go.wait()
                for lesson in shares[place]:
                    before = len(mine.refusals)
                    await told(session, lesson, mine)
                    if len(mine.refusals) == before:
                        acknowledged.append(lesson)
                ended[place] = time.perf_counter()
        except* (OSError, *Refused) as failed:
            mine.refusals.append(str(CannotRun.because(first(failed), log_of(store))))
        finally:
            ready[place].set()

    async with anyio.create_task_group() as clients:
        for place in range(len(shares)):
            clients.start_soon(write, place)
        for event in ready:
            await event.wait()
        started = time.perf_counter()
        go.set()
    async with peer.open(store) as session:
        everything = await session.everything()
    mine.together.append(
        Together(
            sent=sum(map(len, shares)),
            acknowledged=len(acknowledged),
            survived=sum(lesson.insight in everything for lesson in acknowledged),
            seconds=max(max(ended) - started, 1e-9),
        )
    )
