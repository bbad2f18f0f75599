"""Does a fleet that shares what it learns get better than agents on their own? A stream of Banking77 tasks, in worlds
where agents slip, lie, or where what was right yesterday is wrong today.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import anyio
from accuracy import Cell, Run
from arms import agent_names
from command_line import add_matrix, names, parse, parser, positive, run
from conditions import CONDITIONS
from intents import Classes, Utterance, guesses, read_utterances, stream
from matrix import Matrix, World
from picture import draw
from playing import Course, play
from tables import print_accuracy, print_calibration, print_curves, print_differences, print_harm, summary
from wordings import COUNTS

WINDOW = 500
DATA = """\
The data folder holds train.csv and test.csv of Banking77 (columns text and category; CC BY 4.0). Get them from the
folder banking_data of the public repository PolyAI-LDN/task-specific-datasets. They are not shipped with this project.
"""


def go(options: argparse.Namespace, cell: Cell) -> Run:
    """Run one cell."""
    pool = read_utterances(options.data, options.classes)
    agents = agent_names(options.agents)
    steps = stream(pool, agents=agents, tasks=options.tasks, wordings=options.wordings, seed=cell.seed)
    course = Course(
        tasks=CONDITIONS[cell.world].change(steps, pool, cell.seed),
        floor=tuple(guesses(pool, tasks=options.tasks, seed=cell.seed)),
        agents=agents,
        transport=options.transport,
        last=options.last,
    )
    return anyio.run(play, cell, course)


def world(name: str, options: argparse.Namespace) -> World:
    turns = CONDITIONS[name].places(options.tasks)
    return World(name=name, tasks=options.tasks, last=options.last, window=WINDOW, turns=turns)


def show(worlds: Sequence[World], runs: Sequence[Run]) -> None:
    for one in worlds:
        print_accuracy("accuracy", one, runs)
        print_curves(one, runs)
    print_differences(worlds, runs)
    print_harm(worlds, runs)
    print_calibration(worlds, runs)


def main(options: argparse.Namespace) -> None:
    check(options, read_utterances(options.data, options.classes))
    worlds = [world(name, options) for name in options.conditions]
    matrix = Matrix(benchmark="fleet_stream", worlds=worlds, options=options, go=partial(go, options))
    runs = matrix.play(partial(summary, worlds))
    show(worlds, runs)
    draw(options.picture, "accuracy", worlds, runs)


def check(options: argparse.Namespace, pool: Sequence[Utterance]) -> None:
    """End the program where there is less data than tasks."""
    if options.tasks > len(pool):
        sys.exit(f"--tasks {options.tasks}: there are {len(pool)} utterances of the classes chosen")


def arguments() -> argparse.Namespace:
    made = parser(__doc__, DATA)
    made.add_argument("data", type=Path, metavar="DATA", help="folder with Banking77's train.csv and test.csv")
    made.add_argument(
        "--conditions",
        type=names(CONDITIONS),
        default=tuple(CONDITIONS),
        help=f"comma-separated (default: {','.join(CONDITIONS)})",
    )
    made.add_argument("--tasks", type=positive, default=4000, help="length of the stream (default: %(default)s)")
    made.add_argument("--last", type=positive, default=500, help="tasks at the end that count (default: %(default)s)")
    made.add_argument(
        "--classes",
        type=Classes,
        choices=tuple(Classes),
        default=Classes.ALL,
        help="all classes, or one fixed half of them: tune on one, measure on the other (default: %(default)s)",
    )
    made.add_argument(
        "--wordings",
        type=int,
        choices=COUNTS,
        default=1,
        help="in how many wordings agents state the same lesson (default: %(default)s)",
    )
    add_matrix(made)
    return parse(made)


if __name__ == "__main__":
    run(main, arguments())
