"""Does a fleet that shares what it learns get better than agents on their own? A stream of Banking77 tasks."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accuracy import Run, Spread
from arms import ARMS, Arm, Fleet, Sharing, agent_names, fleet
from command_line import add_seeds, add_transport, names, parser, positive, run
from connection import Transport
from intents import Step, Utterance, answer, feedback, read_utterances, stream
from report import print_table, progress_bar, write_json
from rich.progress import Progress

SHOWN = 8
WINDOW = 500
DATA = """\
The data folder holds train.csv and test.csv of Banking77 (columns text and category; CC BY 4.0). Get them from the
folder banking_data of the public repository PolyAI-LDN/task-specific-datasets. They are not shipped with this project.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    pool: tuple[Utterance, ...]
    agents: tuple[str, ...]
    tasks: int
    transport: Transport


async def go_through(experiment: Experiment, arm: Arm, seed: int, progress: Progress) -> Run:
    """Let one arm go through the stream of one seed."""
    steps = tuple(stream(experiment.pool, agents=experiment.agents, tasks=experiment.tasks, seed=seed))
    intents = sorted({utterance.intent for utterance in experiment.pool})
    rng = random.Random(f"agents/{seed}")
    hits: list[bool] = []
    async with fleet(arm.sharing, experiment.agents, experiment.transport) as memories:
        started = time.perf_counter()
        for step in progress.track(steps, description=f"{arm.name}, seed {seed}"):
            answered = await do(step, arm, memories, rng)
            # Without any memory a guess is the honest floor; with one, silence is a wrong answer.
            guess = rng.choice(intents) if arm.sharing is Sharing.NOTHING else None
            hits.append((answered or guess) == step.intent)
        seconds = time.perf_counter() - started
        return Run(arm=arm.name, seed=seed, seconds=seconds, hits=tuple(hits), decisions=memories.decisions())


async def do(step: Step, arm: Arm, memories: Fleet, rng: random.Random) -> str | None:
    """Let the agent of a step retrieve, answer and report. Returns its answer."""
    memory = memories.of(step.agent)
    shown = await memory.retrieve(step.text, limit=SHOWN, agent=step.agent)
    answered = answer(shown)
    for report in arm.reporting.of((feedback(step, shown, answered),), rng):
        await memory.report(report)
    return answered


def show(runs: Sequence[Run], arms: Sequence[str], last: int) -> None:
    header = ("arm", f"last {last}", "all tasks", "ms per task")
    by_arm = {arm: [run for run in runs if run.arm == arm] for arm in arms}
    rows = [
        (
            arm,
            str(Spread.of([run.share(last) for run in group])),
            str(Spread.of([run.share() for run in group])),
            f"{Spread.of([run.milliseconds_per_task() for run in group]).mean:.1f}",
        )
        for arm, group in by_arm.items()
    ]
    print_table("Accuracy, mean over seeds (lowest-highest)", header, rows)
    curves = {
        arm: [Spread.of(window).mean for window in zip(*(run.curve(WINDOW) for run in group), strict=True)]
        for arm, group in by_arm.items()
    }
    windows = max(map(len, curves.values()))
    print_table(
        f"Learning curve, windows of {WINDOW} tasks",
        ("arm", *(f"to {(number + 1) * WINDOW}" for number in range(windows))),
        [(arm, *(f"{share:.3f}" for share in curve)) for arm, curve in curves.items()],
    )


def result(run: Run, last: int) -> dict[str, object]:
    return {
        "arm": run.arm,
        "seed": run.seed,
        "last": run.share(last),
        "all": run.share(),
        "curve": run.curve(WINDOW),
        "seconds": round(run.seconds, 1),
        "milliseconds_per_task": round(run.milliseconds_per_task(), 2),
        "decisions": run.decisions,
    }


async def main(options: argparse.Namespace) -> None:
    experiment = Experiment(
        pool=read_utterances(options.data),
        agents=agent_names(options.agents),
        tasks=options.tasks,
        transport=options.transport,
    )
    started = time.perf_counter()
    with progress_bar() as progress:
        runs = [
            await go_through(experiment, ARMS[arm], seed, progress) for arm in options.arms for seed in options.seeds
        ]
    show(runs, options.arms, options.last)
    write_json(
        options.json,
        benchmark="fleet_stream",
        settings={name: value for name, value in vars(options).items() if name not in ("data", "json")},
        results=[result(one, options.last) for one in runs],
        seconds=time.perf_counter() - started,
    )


def arguments() -> argparse.Namespace:
    made = parser(__doc__, DATA)
    made.add_argument("data", type=Path, metavar="DATA", help="folder with Banking77's train.csv and test.csv")
    made.add_argument("--tasks", type=positive, default=4000, help="length of the stream (default: %(default)s)")
    made.add_argument("--agents", type=positive, default=8, help="size of the fleet (default: %(default)s)")
    made.add_argument("--last", type=positive, default=500, help="tasks at the end that count (default: %(default)s)")
    made.add_argument(
        "--arms", type=names(ARMS), default=tuple(ARMS), help=f"comma-separated (default: {','.join(ARMS)})"
    )
    add_seeds(made)
    add_transport(made)
    return made.parse_args()


if __name__ == "__main__":
    run(main, arguments())
