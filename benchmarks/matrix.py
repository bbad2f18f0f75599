"""A matrix of runs, worlds by arms by seeds: spread over processes, saved as they come, taken up again."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar

from accuracy import Cell, Run, Written, read_run
from report import progress_bar, write_json

ResultT = TypeVar("ResultT")

MATRIX = ("arms", "attackers", "attacks", "conditions", "repositories", "seeds", "streams")
"""Options that choose among cells and leave each as it is."""
ASIDE = ("banking77", "data", "jobs", "json", "picture", "resume")
"""Options that change no figure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What the runs of one world have in common: how many tasks at the end count, and when it changes."""

    name: str
    tasks: int
    last: int
    window: int
    turns: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """`go` runs one cell; it is called in another process and must be importable there."""

    benchmark: str
    worlds: Sequence[World]
    options: argparse.Namespace
    go: Callable[[Cell], Run]

    def cells(self) -> list[Cell]:
        """Return all cells, those that are compared with each other side by side."""
        return [
            Cell(world=world.name, arm=arm, seed=seed)
            for world in self.worlds
            for seed in self.options.seeds
            for arm in self.options.arms
        ]

    def settings(self) -> dict[str, object]:
        return {name: value for name, value in vars(self.options).items() if name not in ASIDE}

    def play(self, summary: Callable[[Sequence[Run]], object]) -> tuple[Run, ...]:
        """Run what was not run yet, writing everything after each run, and the summary when all are there."""
        started = time.perf_counter()
        done = {read_run(written).cell: written for written in self.earlier()}
        worlds = {world.name: world for world in self.worlds}
        cells = self.cells()
        missing = [cell for cell in cells if cell not in done]
        with progress_bar() as progress:
            bar = progress.add_task("starting", total=len(missing))
            for run in spread(self.go, missing, self.options.jobs):
                world = worlds[run.cell.world]
                done[run.cell] = run.written(last=world.last, window=world.window)
                self.write(list(done.values()), None, started)
                progress.update(bar, advance=1, description=str(run.cell))
        runs = tuple(read_run(done[cell]) for cell in cells)
        self.write(list(done.values()), summary(runs), started)
        return runs

    def write(self, runs: Sequence[Written], summary: object, started: float) -> None:
        write_json(
            self.options.json,
            benchmark=self.benchmark,
            settings=self.settings(),
            results={"runs": runs, "summary": summary},
            seconds=time.perf_counter() - started,
        )

    def earlier(self) -> list[Written]:
        """Read the runs of an earlier call; ends the program where they were made with other settings."""
        if not self.options.resume or not self.options.json.exists():
            return []
        document = json.loads(self.options.json.read_text(encoding="utf-8"))
        mine = json.loads(json.dumps(self.settings(), default=str))
        theirs = document["settings"]
        if other := [name for name in mine if name not in MATRIX and mine[name] != theirs.get(name)]:
            sys.exit(f"{self.options.json} was made with other settings: {', '.join(other)}")
        runs: list[Written] = document["results"]["runs"]
        return runs


def spread(go: Callable[[Cell], ResultT], cells: Sequence[Cell], jobs: int) -> Iterator[ResultT]:
    """Run the cells in so many processes and yield each result as it comes."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(go, cell) for cell in cells]
        try:
            for future in as_completed(waiting):
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
