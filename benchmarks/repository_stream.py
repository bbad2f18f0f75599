"""Which files does this commit touch? Two real histories, told to a fleet of agents commit by commit."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio
from accuracy import Cell, Run
from arms import agent_names
from command_line import add_matrix, names, parse, parser, positive, run
from commits import Commit, guesses, read_commits, stream
from matrix import Matrix, World
from picture import draw
from playing import Course, play
from tables import print_accuracy, print_curves, print_differences, print_harm, summary

DATA = """\
The data folder holds datasette.csv and fastmcp.csv: one row per commit that touches one to five existing files, in
history order, with the columns subject, touched, appeared, gone (paths are separated by spaces). They are made from
the public repositories simonw/datasette and PrefectHQ/fastmcp (both Apache-2.0) and not shipped with this project.
"""
YARDSTICKS: Mapping[str, Mapping[str, str]] = {
    "datasette": {"none": ".333", "private": ".421", "keep-all": ".573", "oracle": ".585"},
    "fastmcp": {"none": ".054", "private": ".143", "keep-all": ".300", "oracle": ".384"},
}
"""Hit rates over the last quarter that a blend of text and vector legs reaches without any server."""


def history(name: str, options: argparse.Namespace) -> tuple[Commit, ...]:
    return read_commits(options.data, name)[: options.tasks]


def go(options: argparse.Namespace, cell: Cell) -> Run:
    """Run one cell."""
    commits = history(cell.world, options)
    agents = agent_names(options.agents)
    course = Course(
        tasks=tuple(stream(commits, project=cell.world, agents=agents, seed=cell.seed)),
        floor=tuple(guesses(commits)),
        agents=agents,
        transport=options.transport,
        last=quarter(len(commits)),
    )
    return anyio.run(play, cell, course)


def quarter(tasks: int) -> int:
    """Return how many tasks count: the last quarter."""
    return max(1, tasks // 4)


def world(name: str, options: argparse.Namespace) -> World:
    tasks = len(history(name, options))
    return World(name=name, tasks=tasks, last=quarter(tasks), window=quarter(tasks))


def show(worlds: Sequence[World], runs: Sequence[Run]) -> None:
    for one in worlds:
        print_accuracy("hit rate of three guesses", one, runs, YARDSTICKS[one.name])
        print_curves(one, runs)
    print_differences(worlds, runs)
    print_harm(worlds, runs)


def main(options: argparse.Namespace) -> None:
    worlds = [world(name, options) for name in options.repositories]
    matrix = Matrix(benchmark="repository_stream", worlds=worlds, options=options, go=partial(go, options))
    runs = matrix.play(partial(summary, worlds))
    show(worlds, runs)
    draw(options.picture, "hit rate of three guesses", worlds, runs)


def arguments() -> argparse.Namespace:
    made = parser(__doc__, DATA)
    made.add_argument("data", type=Path, metavar="DATA", help="folder with datasette.csv and fastmcp.csv")
    made.add_argument(
        "--repositories",
        type=names(YARDSTICKS),
        default=tuple(YARDSTICKS),
        help=f"comma-separated (default: {','.join(YARDSTICKS)})",
    )
    made.add_argument("--tasks", type=positive, help="only the first so many commits (default: all)")
    add_matrix(made)
    return parse(made)


if __name__ == "__main__":
    run(main, arguments())
