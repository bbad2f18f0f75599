"""What does learning cost in time? Two servers, one learning and one not, side by side through the same tasks."""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from arms import ARMS, Fleet, agent_names, fleet
from command_line import add_transport, parser, positive, run_async
from intents import Classes, Step, read_utterances, stream
from playing import SHOWN
from report import print_table, progress_bar, write_json

COMPARED = ("keep-all", "fleetlore")
DATA = """\
The data folder holds train.csv and test.csv of Banking77, as for fleet_stream.py. Only the second half of the tasks is
timed. The two servers take turns at going first.
"""


async def pair(memories: Fleet, step: Step) -> float:
    """Let one agent retrieve and report. Returns the seconds that this took."""
    started = time.perf_counter()
    memory = memories.of(step.agent)
    shown = await memory.retrieve(step.text, limit=SHOWN, agent=step.agent)
    for report in step.feedback(shown, step.answer(shown)):
        await memory.report(report)
    return time.perf_counter() - started


async def main(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    agents = agent_names(8)
    pool = read_utterances(options.data, Classes.ALL)
    steps = stream(pool, agents=agents, tasks=options.tasks, wordings=1, seed=options.seed)
    rng = random.Random(options.seed)
    seconds: Mapping[str, list[float]] = {arm: [] for arm in COMPARED}
    async with AsyncExitStack() as stack:
        fleets = {arm: await stack.enter_async_context(fleet(ARMS[arm], agents, options.transport)) for arm in COMPARED}
        with progress_bar() as progress:
            for place, step in enumerate(progress.track(steps, description="tasks")):
                for arm in rng.sample(COMPARED, len(COMPARED)):
                    spent = await pair(fleets[arm], step)
                    if place >= len(steps) // 2:
                        seconds[arm].append(spent)
    medians = {arm: statistics.median(seconds[arm]) * 1000 for arm in COMPARED}
    means = {arm: statistics.fmean(seconds[arm]) * 1000 for arm in COMPARED}
    without, learning = COMPARED
    ratios = {"median": medians[learning] / medians[without], "mean": means[learning] / means[without]}
    print_table(
        f"A retrieval and its feedback, {options.tasks} items, ms",
        ("server", "median", "mean"),
        [
            *((arm, f"{medians[arm]:.1f}", f"{means[arm]:.1f}") for arm in COMPARED),
            ("ratio", f"{ratios['median']:.2f}", f"{ratios['mean']:.2f}"),
        ],
    )
    write_json(
        options.json,
        benchmark="learning_cost",
        settings={name: value for name, value in vars(options).items() if name not in ("data", "json")},
        results={"median_ms": medians, "mean_ms": means, "ratio": ratios},
        seconds=time.perf_counter() - started,
    )


def arguments() -> argparse.Namespace:
    made = parser(__doc__ or "", DATA)
    made.add_argument("data", type=Path, metavar="DATA", help="folder with Banking77's train.csv and test.csv")
    made.add_argument("--tasks", type=positive, default=2000, help="length of the stream (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of the stream (default: %(default)s)")
    add_transport(made)
    return made.parse_args()


if __name__ == "__main__":
    run_async(main, arguments())
