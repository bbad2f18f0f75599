"""Does the controller notice that the world has changed, soon and without crying wolf? Does it know how it will go?

A fleet goes through a stream of Banking77 tasks; afterwards other ways to decide look at the same stream.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from accuracy import Cell, Spread
from alarms import Alarms, alarms
from arms import agent_names
from calibration import Calibration
from command_line import add_transport, names, numbers, parser, positive, run
from conditions import CONDITIONS
from fleet_stream import DATA, check
from intents import Classes, read_utterances, stream
from matrix import ASIDE, spread
from reliability import bands, draw
from report import print_table, progress_bar, write_json
from switches import DETECTORS, Marks, checkers
from traces import Trace, trace

USUAL = ("clean", "noise", "drift", "both", "there-and-back")
AFTER = 500
ARM = "fleetlore"


def go(options: argparse.Namespace, cell: Cell) -> Trace:
    """Run one cell."""
    pool = read_utterances(options.data, options.classes)
    condition = CONDITIONS[cell.world]
    steps = stream(pool, agents=agent_names(options.agents), tasks=options.tasks, wordings=1, seed=cell.seed)
    return anyio.run(
        partial(
            trace,
            condition.change(steps, pool, cell.seed),
            condition=condition.name,
            seed=cell.seed,
            turns=condition.places(options.tasks),
            transport=options.transport,
        )
    )


def main(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    check(options, read_utterances(options.data, options.classes))
    cells = [Cell(world=name, arm=ARM, seed=seed) for name in options.conditions for seed in options.seeds]
    traces: list[Trace] = []
    with progress_bar() as progress:
        bar = progress.add_task("starting", total=len(cells))
        for one in spread(partial(go, options), cells, options.jobs):
            traces.append(one)
            progress.update(bar, advance=1, description=f"{one.condition}, seed {one.seed}")
    traces.sort(key=lambda one: options.seeds.index(one.seed))
    results = [judged(name, [one for one in traces if one.condition == name], options) for name in options.conditions]
    for result in results:
        show(result)
    draw(options.picture, results)
    write_json(
        options.json,
        benchmark="controller",
        settings={name: value for name, value in vars(options).items() if name not in ASIDE},
        results=results,
        seconds=time.perf_counter() - started,
    )


def judged(condition: str, traces: Sequence[Trace], options: argparse.Namespace) -> dict[str, Any]:
    """Judge every way to decide on the traces of one condition."""
    expected = [(m.expected, m.success) for one in traces for m in one.moments if m.shown]
    prospects = [(m.prospect, m.success) for one in traces for m in one.moments if m.shown]
    trust = [pair for one in traces for pair in one.trust]
    return {
        "condition": condition,
        "detection": {name: summed(traces, marks) for name, marks in DETECTORS.items()},
        "cost": costs(traces, checkers(options.check_cost), options.check_cost),
        "calibration": {
            name: {**score(pairs), "bands": bands(pairs)}
            for name, pairs in (("expected", expected), ("no calibration", prospects), ("confidence", trust))
        },
    }


def summed(traces: Sequence[Trace], marks: Callable[[Trace], Marks]) -> dict[str, Any]:
    """Sum up the alarms of one detector over all seeds."""
    found: list[Alarms] = [alarms(marks(one), one.turns) for one in traces]
    delays = [delay for one in found for delay in one.delays]
    noticed = [delay for delay in delays if delay is not None]
    calm = sum(one.calm for one in found)
    return {
        "changes": len(delays),
        "noticed": len(noticed),
        "delays": delays,
        "mean_delay": sum(noticed) / len(noticed) if noticed else None,
        "false_alarms": sum(one.false for one in found),
        "false_alarms_per_1000": 1000 * sum(one.false for one in found) / calm if calm else None,
        "share_in_false_alarm": sum(one.falsely_on for one in found) / calm if calm else None,
    }


def costs(
    traces: Sequence[Trace], deciders: Mapping[str, Callable[[Trace], Marks]], cost: float
) -> dict[str, dict[str, Any]]:
    """Return what each decider pays per task: 1 for following into a failure, `cost` for a check."""
    found: dict[str, dict[str, Any]] = {}
    for name, decide in deciders.items():
        paid = [
            [cost if mark else float(not m.success) for mark, m in zip(decide(one), one.moments, strict=True)]
            for one in traces
        ]
        after = [paid[number][turn : turn + AFTER] for number, one in enumerate(traces) for turn in one.turns]
        found[name] = {
            "all": asdict(Spread.of([sum(one) / len(one) for one in paid])),
            "after": asdict(Spread.of([sum(one) / len(one) for one in after])) if after else None,
        }
    return found


def score(pairs: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    found = Calibration.of(pairs)
    if not found.items:
        return {"of": 0, "brier": None, "base_brier": None}
    return {"of": found.items, "brier": round(found.brier, 4), "base_brier": round(found.base_brier, 4)}


def show(result: dict[str, Any]) -> None:
    condition = result["condition"]
    print_table(
        f"{condition}: is something wrong?",
        ("", "changes noticed", "mean delay (tasks)", "false alarms per 1,000", "share of the time before"),
        [
            (
                name,
                f"{one['noticed']} of {one['changes']}",
                figure(one["mean_delay"], "{:.0f}"),
                figure(one["false_alarms_per_1000"], "{:.2f}"),
                figure(one["share_in_false_alarm"], "{:.3f}"),
            )
            for name, one in result["detection"].items()
        ],
    )
    print_table(
        f"{condition}: follow or check? cost per task",
        ("", "all tasks", f"{AFTER} after a change"),
        [(name, spread_of(one["all"]), spread_of(one["after"])) for name, one in result["cost"].items()],
    )
    print_table(
        f"{condition}: does it know how well it will go?",
        ("", "Brier score", "of the base rate", "of"),
        [
            (name, figure(one["brier"], "{:.3f}"), figure(one["base_brier"], "{:.3f}"), f"{one['of']:,}")
            for name, one in result["calibration"].items()
        ],
    )


def spread_of(found: dict[str, float] | None) -> str:
    return str(Spread(**found)) if found else ""


def figure(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError("must be from 0 to 1")
    return number


def arguments() -> argparse.Namespace:
    made = parser(__doc__, DATA)
    made.add_argument("data", type=Path, metavar="DATA", help="folder with Banking77's train.csv and test.csv")
    made.add_argument(
        "--conditions", type=names(CONDITIONS), default=USUAL, help=f"comma-separated (default: {','.join(USUAL)})"
    )
    made.add_argument("--tasks", type=positive, default=4000, help="length of the stream (default: %(default)s)")
    made.add_argument("--agents", type=positive, default=8, help="size of the fleet (default: %(default)s)")
    made.add_argument(
        "--seeds", type=numbers, default=(0, 1, 2), help="comma-separated; each is a run (default: 0,1,2)"
    )
    made.add_argument(
        "--classes", type=Classes, choices=tuple(Classes), default=Classes.ALL, help="all classes, or one half of them"
    )
    made.add_argument(
        "--check-cost", type=share, default=0.3, help="of a check, where a failure costs 1 (default: %(default)s)"
    )
    add_transport(made)
    made.add_argument("--jobs", type=positive, default=1, help="runs at the same time (default: %(default)s)")
    made.add_argument("--picture", type=Path, metavar="FILE", help="draw reliability to this .png or .svg")
    return made.parse_args()


if __name__ == "__main__":
    run(main, arguments())
