"""Which files does this commit touch? Two real histories, told to a fleet of agents commit by commit."""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from accuracy import Run, Spread
from arms import ARMS, Arm, Fleet, Sharing, agent_names, fleet
from command_line import add_seeds, add_transport, names, parser, positive, run
from commits import GUESSES, Commit, Step, answer, feedback, read_commits, stream
from connection import Transport
from report import print_table, progress_bar, write_json
from rich.progress import Progress

SHOWN = 8
DATA = """\
The data folder holds datasette.csv and fastmcp.csv: one row per commit that touches one to five existing files, in
history order, with the columns subject, touched, appeared, gone (paths are separated by spaces). They are made from
the public repositories simonw/datasette and PrefectHQ/fastmcp (both Apache-2.0) and not shipped with this project.
"""
YARDSTICKS: Mapping[str, Mapping[str, str]] = {
    "datasette": {"none": ".333", "private": ".421", "shared": ".573", "shared, existing files only": ".585"},
    "fastmcp": {"none": ".054", "private": ".143", "shared": ".300", "shared, existing files only": ".384"},
}
"""Hit rates over the last quarter that a blend of text and vector legs reaches without any server."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    repository: str
    commits: tuple[Commit, ...]
    agents: tuple[str, ...]
    transport: Transport

    @property
    def last(self) -> int:
        """The last quarter counts."""
        return max(1, len(self.commits) // 4)


async def go_through(experiment: Experiment, arm: Arm, seed: int, progress: Progress) -> Run:
    """Let one arm go through one history under one seed."""
    steps = tuple(stream(experiment.commits, project=experiment.repository, agents=experiment.agents, seed=seed))
    rng = random.Random(f"agents/{seed}")
    touched: Counter[str] = Counter()
    hits: list[bool] = []
    async with fleet(arm.sharing, experiment.agents, experiment.transport) as memories:
        started = time.perf_counter()
        for step in progress.track(steps, description=f"{experiment.repository}, {arm.name}, seed {seed}"):
            guesses = await do(step, arm, memories, rng)
            if arm.sharing is Sharing.NOTHING:
                guesses = tuple(path for path, _ in touched.most_common(GUESSES))
            hits.append(step.hit(guesses))
            touched.update(step.touched)
        seconds = time.perf_counter() - started
        return Run(arm=arm.name, seed=seed, seconds=seconds, hits=tuple(hits), decisions=memories.decisions())


async def do(step: Step, arm: Arm, memories: Fleet, rng: random.Random) -> tuple[str, ...]:
    """Let the agent of a step retrieve, name its files and report. Returns its guesses."""
    memory = memories.of(step.agent)
    shown = await memory.retrieve(step.subject, limit=SHOWN, agent=step.agent, project=step.project)
    guesses = answer(shown)
    for report in arm.reporting.of(feedback(step, shown, guesses), rng):
        await memory.report(report)
    return guesses


def show(experiment: Experiment, runs: Sequence[Run], arms: Sequence[str]) -> None:
    yardsticks = dict(YARDSTICKS.get(experiment.repository, {}))
    rows = []
    for arm in arms:
        group = [run for run in runs if run.arm == arm]
        last = str(Spread.of([run.share(experiment.last) for run in group]))
        every = str(Spread.of([run.share() for run in group]))
        pace = Spread.of([run.milliseconds_per_task() for run in group]).mean
        rows.append((arm, last, yardsticks.pop(arm, ""), every, f"{pace:.1f}"))
    rows += [(name, "", figure, "", "") for name, figure in yardsticks.items()]
    header = ("arm", f"last {experiment.last}", "yardstick", "all tasks", "ms per task")
    print_table(f"{experiment.repository}: hit rate of three guesses, mean over seeds (lowest-highest)", header, rows)


def result(experiment: Experiment, run: Run) -> dict[str, object]:
    return {
        "repository": experiment.repository,
        "arm": run.arm,
        "seed": run.seed,
        "last_quarter": run.share(experiment.last),
        "all": run.share(),
        "quarters": run.curve(experiment.last),
        "seconds": round(run.seconds, 1),
        "milliseconds_per_task": round(run.milliseconds_per_task(), 2),
        "decisions": run.decisions,
    }


async def main(options: argparse.Namespace) -> None:
    results: list[dict[str, object]] = []
    started = time.perf_counter()
    for repository in options.repositories:
        experiment = Experiment(
            repository=repository,
            commits=read_commits(options.data, repository)[: options.tasks],
            agents=agent_names(options.agents),
            transport=options.transport,
        )
        with progress_bar() as progress:
            runs = [
                await go_through(experiment, ARMS[arm], seed, progress)
                for arm in options.arms
                for seed in options.seeds
            ]
        show(experiment, runs, options.arms)
        results += [result(experiment, one) for one in runs]
    write_json(
        options.json,
        benchmark="repository_stream",
        settings={name: value for name, value in vars(options).items() if name not in ("data", "json")},
        results=results,
        seconds=time.perf_counter() - started,
    )


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
    made.add_argument("--agents", type=positive, default=8, help="size of the fleet (default: %(default)s)")
    made.add_argument(
        "--arms", type=names(ARMS), default=tuple(ARMS), help=f"comma-separated (default: {','.join(ARMS)})"
    )
    add_seeds(made)
    add_transport(made)
    return made.parse_args()


if __name__ == "__main__":
    run(main, arguments())
