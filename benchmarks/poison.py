"""What becomes of a fleet when some of its agents are malicious? The two streams, with attackers in them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from accuracy import Cell, Run, Spread
from arms import agent_names
from attacks import ATTACKS, Act, Attack, IntentLies, Lies, PathLies, plan, reformed, without_attackers
from command_line import add_transport, names, parser, positive, run, seeds
from commits import read_commits
from commits import stream as commit_stream
from comparison import difference
from intents import Classes, intents, read_utterances
from intents import stream as intent_stream
from matrix import Matrix, World
from poisoning import EVERY, play
from report import print_table
from task import Task

DATA = """\
BANKING77 is the folder of fleet_stream.py, REPOSITORIES that of repository_stream.py.
"""
STREAMS = ("banking77", "datasette", "fastmcp")
NOBODY, REFORMED = "without", "reformed"
REFERENCES = (NOBODY, REFORMED)
"""Arms of a fleet that nobody attacks: the attackers are not there, or they are honest."""
ARMS = (*REFERENCES, "fleetlore", "keep-all")
QUICK: Mapping[str, Any] = {"tasks": 400, "attackers": (2,), "attacks": ("loud", "many-names"), "seeds": (0,)}
LEAST_SHARE = 0.05
SUSPECT = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A stream, an attack and how many of the fleet take part in it, as the name of a world says them."""

    stream: str
    attackers: int
    attack: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.stream, str(self.attackers), self.attack) if part)

    @classmethod
    def of(cls, world: str) -> Setting:
        stream, attackers, *attack = world.split("/")
        return cls(stream=stream, attackers=int(attackers), attack="".join(attack))


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
    return anyio.run(partial(play, learning=cell.arm != "keep-all"), cell, acts, attack, options.transport)


def read(options: argparse.Namespace, stream: str, agents: Sequence[str], seed: int) -> tuple[Sequence[Task], Lies]:
    """Return the honest tasks of a stream, and the lies that can be told in it."""
    if stream == "banking77":
        pool = read_utterances(options.banking77, Classes.ALL)
        steps = intent_stream(pool, agents=agents, tasks=options.tasks, wordings=1, seed=seed)
        return steps, IntentLies(intents(pool), seed)
    commits = read_commits(options.repositories, stream)[: options.tasks]
    return tuple(commit_stream(commits, project=stream, agents=agents, seed=seed)), PathLies(commits, seed)


def show(worlds: Sequence[World], runs: Sequence[Run], last: int) -> None:
    """Print the tables."""
    known = {(run.cell.world, run.cell.arm, run.cell.seed): run for run in runs}
    for stream in dict.fromkeys(Setting.of(world.name).stream for world in worlds):
        rows = [
            row(world.name, arm, group, known, last)
            for world in worlds
            if Setting.of(world.name).stream == stream
            for arm in ARMS
            if (group := [run for run in runs if run.cell.world == world.name and run.cell.arm == arm])
        ]
        print_table(f"{stream}: honest agents, mean over seeds; the last {last} of their tasks", HEADER, rows)


HEADER = (
    "attackers: attack, arm",
    "right",
    "lost",
    "follow poison",
    "of all",
    "triggered: lost",
    "quarantine",
    "suspected",
    "slip: honest",
    "attackers",
    "trusted: honest",
    "poison",
)


def row(
    world: str, arm: str, group: Sequence[Run], known: Mapping[tuple[str, str, int], Run], last: int
) -> tuple[str, ...]:
    """One line: accuracy, what it lost against nobody's attack, and where trust went."""
    setting = Setting.of(world)
    beside = str(Setting(stream=setting.stream, attackers=setting.attackers))
    never = [known[beside, NOBODY, run.cell.seed] for run in group if (beside, NOBODY, run.cell.seed) in known]
    lost = difference(never, group, last) if setting.attack else None
    name = f"{setting.attackers}: {setting.attack or 'nobody'}, {arm}"
    right = str(Spread.of([run.share(last) for run in group]))
    if not setting.attack:
        return (name, right, *[""] * (len(HEADER) - 2))
    figures = [summary_of(run, last) for run in group]
    return (
        name,
        right,
        "" if lost is None else str(lost),
        _mean(figures, "followed_last"),
        _mean(figures, "followed"),
        _triggered(group, known, beside),
        _tasks(figures, "quarantine"),
        _tasks(figures, "suspected"),
        _mean(figures, "slip_of_honest"),
        _mean(figures, "slip_of_attackers"),
        _mean(figures, "honest_trusted"),
        _mean(figures, "poison_trusted"),
    )


def summary_of(run: Run, last: int) -> dict[str, float | None]:
    """The figures of one run beside its accuracy."""
    measured = run.measured
    followed = [mark == "1" for mark in measured["followed"]]
    return {
        "followed_last": sum(followed[-last:]) / len(followed[-last:]),
        "followed": sum(followed) / len(followed),
        "quarantine": quarantine(measured["shares"], measured["first_lie_honest"]),
        "suspected": suspected(measured["slip_of_attackers"], measured["first_lie"]),
        "slip_of_honest": measured["slip_of_honest"][-1],
        "slip_of_attackers": measured["slip_of_attackers"][-1],
        "honest_trusted": measured["honest_trusted"],
        "poison_trusted": measured["poison_trusted"],
    }


def quarantine(shares: Sequence[float], first: int | None, window: int = 100) -> float | None:
    """Honest tasks from the first lie until poisoned items have less than a twentieth of the votes, for good."""
    if first is None:
        return None
    means = [
        sum(part) / window for end in range(first + window, len(shares) + 1) if (part := shares[end - window : end])
    ]
    bad = [place for place, mean in enumerate(means) if mean >= LEAST_SHARE]
    if not bad:
        return 0.0
    return None if bad[-1] == len(means) - 1 else float(bad[-1] + window)


def suspected(slips: Sequence[float], first: int | None) -> float | None:
    """Tasks from the first lie until the attackers' mean slip rate is above one half, for good."""
    if first is None:
        return None
    below = [place for place, slip in enumerate(slips) if slip <= SUSPECT]
    if below and below[-1] == len(slips) - 1:
        return None
    return float(max((below[-1] + 2 if below else 1) * EVERY - first, 0))


def _triggered(group: Sequence[Run], known: Mapping[tuple[str, str, int], Run], beside: str) -> str:
    """What was lost where the trigger is, over the second half of the stream."""
    lost = []
    for one in group:
        never = known.get((beside, NOBODY, one.cell.seed))
        if never is None:
            return ""
        half = len(one.hits) // 2
        places = [place for place, mark in enumerate(one.measured["triggered"]) if mark == "1" and place >= half]
        lost.append(sum(never.hits[place] - one.hits[place] for place in places) / max(len(places), 1))
    return f"{-sum(lost) / len(lost):+.3f}"


def _mean(figures: Sequence[Mapping[str, float | None]], name: str) -> str:
    values = [value for one in figures if (value := one[name]) is not None]
    return f"{sum(values) / len(values):.3f}" if values else ""


def _tasks(figures: Sequence[Mapping[str, float | None]], name: str) -> str:
    values = [one[name] for one in figures]
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.0f}" if len(known) == len(values) else "never"


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
    show(worlds, runs, options.last)


def summary(last: int, runs: Sequence[Run]) -> list[dict[str, object]]:
    return [
        {
            "world": run.cell.world,
            "arm": run.cell.arm,
            "seed": run.cell.seed,
            "right": run.share(last),
            **summary_of(run, last),
        }
        for run in runs
    ]


def arguments() -> argparse.Namespace:
    made = parser(__doc__ or "", DATA)
    made.add_argument("banking77", type=Path, metavar="BANKING77", help="folder with train.csv and test.csv")
    made.add_argument("repositories", type=Path, metavar="REPOSITORIES", help="folder with the histories")
    made.add_argument("--streams", type=names(STREAMS), default=STREAMS, help=f"default: {','.join(STREAMS)}")
    made.add_argument("--attacks", type=names(ATTACKS), default=tuple(ATTACKS), help=f"default: {','.join(ATTACKS)}")
    made.add_argument("--attackers", type=seeds, default=(1, 2, 4), help="of the fleet (default: 1,2,4)")
    made.add_argument("--arms", type=names(ARMS), default=ARMS, help=f"default: {','.join(ARMS)}")
    made.add_argument("--agents", type=positive, default=8, help="size of the fleet (default: %(default)s)")
    made.add_argument("--tasks", type=positive, default=4000, help="at most, of each stream (default: %(default)s)")
    made.add_argument("--last", type=positive, default=500, help="honest tasks at the end (default: %(default)s)")
    made.add_argument("--seeds", type=seeds, default=(0, 1), help="comma-separated (default: 0,1)")
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
