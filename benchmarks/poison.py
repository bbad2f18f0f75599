"""What becomes of a fleet when some of its agents are malicious? The two streams, with attackers in them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from accuracy import Cell, Run
from arms import agent_names
from attacks import ATTACKS, Act, Attack, IntentLies, Lies, PathLies, plan, reformed, without_attackers
from command_line import add_transport, names, numbers, parser, positive, run
from commits import read_commits
from commits import stream as commit_stream
from intents import Classes, intents, read_utterances
from intents import stream as intent_stream
from matrix import Matrix, World
from poison_tables import ARMS, NOBODY, REFERENCES, REFORMED, REVOKED, Setting, print_tables, summary
from poisoning import play
from task import Task

DATA = """\
BANKING77 is the folder of fleet_stream.py, REPOSITORIES that of repository_stream.py.
"""
STREAMS = ("banking77", "datasette", "fastmcp")
QUICK: Mapping[str, Any] = {"tasks": 400, "attackers": (2,), "attacks": ("loud", "many-names"), "seeds": (0,)}


class Poison(Matrix):
    """Every attack by arms; and each stream without its attackers, and with these honest, once."""

    def cells(self) -> list[Cell]:
        return [
            Cell(world=world.name, arm=arm, seed=seed)
            for seed in self.options.seeds
            for world in self.worlds
            for arm in self.options.arms
            if (arm in REFERENCES) != bool(Setting.of(world.name).attack)
        ]


def go(options: argparse.Namespace, cell: Cell) -> Run:
    """Run one cell."""
    setting = Setting.of(cell.world)
    agents = agent_names(options.agents)
    tasks, lies = read(options, setting.stream, agents, cell.seed)
    attack = ATTACKS.get(setting.attack, Attack(name="none"))
    acts: Sequence[Act] = plan(tasks, lies, attack, agents=agents, attackers=setting.attackers, seed=cell.seed)
    if cell.arm == NOBODY:
        acts = without_attackers(acts)
    elif cell.arm == REFORMED:
        acts = reformed(acts)
    revoked_at = 3 * len(acts) // 4 if cell.arm == REVOKED else None
    playing = partial(play, learning=cell.arm != "keep-all", revoked_at=revoked_at)
    return anyio.run(playing, cell, acts, attack, options.transport)


def read(options: argparse.Namespace, stream: str, agents: Sequence[str], seed: int) -> tuple[Sequence[Task], Lies]:
    """Return the honest tasks of a stream, and the lies that can be told in it."""
    if stream == "banking77":
        pool = read_utterances(options.banking77, Classes.ALL)
        steps = intent_stream(pool, agents=agents, tasks=options.tasks, wordings=1, seed=seed)
        return steps, IntentLies(intents(pool), seed)
    commits = read_commits(options.repositories, stream)[: options.tasks]
    return tuple(commit_stream(commits, project=stream, agents=agents, seed=seed)), PathLies(commits, seed)


def worlds_of(options: argparse.Namespace) -> list[World]:
    return [
        World(
            name=str(Setting(stream=stream, attackers=count, attack=attack)),
            tasks=options.tasks,
            last=options.last,
            window=500,
        )
        for stream in options.streams
        for count in options.attackers
        for attack in ("", *options.attacks)
    ]


def main(options: argparse.Namespace) -> None:
    if options.quick:
        vars(options).update(QUICK)
    worlds = worlds_of(options)
    matrix = Poison(benchmark="poison", worlds=worlds, options=options, go=partial(go, options))
    runs = matrix.play(partial(summary, options.last))
    print_tables(worlds, runs, options.last)


def arguments() -> argparse.Namespace:
    made = parser(__doc__ or "", DATA)
    made.add_argument("banking77", type=Path, metavar="BANKING77", help="folder with train.csv and test.csv")
    made.add_argument("repositories", type=Path, metavar="REPOSITORIES", help="folder with the histories")
    made.add_argument("--streams", type=names(STREAMS), default=STREAMS, help=f"default: {','.join(STREAMS)}")
    made.add_argument("--attacks", type=names(ATTACKS), default=tuple(ATTACKS), help=f"default: {','.join(ATTACKS)}")
    made.add_argument("--attackers", type=numbers, default=(1, 2, 4), help="of the fleet (default: 1,2,4)")
    made.add_argument("--arms", type=names(ARMS), default=ARMS, help=f"default: {','.join(ARMS)}")
    made.add_argument("--agents", type=positive, default=8, help="size of the fleet (default: %(default)s)")
    made.add_argument("--tasks", type=positive, default=4000, help="at most, of each stream (default: %(default)s)")
    made.add_argument("--last", type=positive, default=500, help="honest tasks at the end (default: %(default)s)")
    made.add_argument("--seeds", type=numbers, default=(0, 1), help="comma-separated (default: 0,1)")
    made.add_argument("--quick", action="store_true", help="two attackers of eight, 400 tasks, two attacks, seed 0")
    add_transport(made)
    made.add_argument("--jobs", type=positive, default=1, help="runs at the same time (default: %(default)s)")
    made.add_argument("--resume", action="store_true", help="keep the runs that the file of --json holds already")
    options = made.parse_args()
    if options.resume and options.json is None:
        made.error("--resume needs --json FILE")
    return options


if __name__ == "__main__":
    run(main, arguments())
