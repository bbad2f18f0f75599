"""What does each constant of the evidence rule do? The rule alone on Banking77, varied one constant at a time."""

from __future__ import annotations

import library_environment  # noqa: F401

# isort: split
import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from accuracy import Spread
from arms import agent_names
from command_line import names, numbers, parser, positive, run_async
from conditions import CONDITIONS
from intents import Classes, read_utterances, stream
from legs_of_stream import Neighbours, neighbours_of
from report import print_table, progress_bar, write_json
from rule_alone import accuracy

from fleetlore.kmu.constants import CONSTANTS, Constants

DATA = """\
The data folder holds train.csv and test.csv of Banking77, as for fleet_stream.py. Neighbours come from the real legs of
a LanceDB table, everything else from the rule's own functions; there is no server, so a run takes seconds.
"""
VARIANTS: Mapping[str, Constants] = {
    "as it is": CONSTANTS,
    "no learning": replace(CONSTANTS, weights=(0.0,), usual_weight=0.0),
    "vote 2": replace(CONSTANTS, vote=2.0),
    "vote 4": replace(CONSTANTS, vote=4.0),
    "score 1": replace(CONSTANTS, score=1.0),
    "score 3": replace(CONSTANTS, score=3.0),
    "consensus 0": replace(CONSTANTS, consensus=0.0),
    "consensus 2": replace(CONSTANTS, consensus=2.0),
    "slip .1": replace(CONSTANTS, slip=0.1),
    "slip .3": replace(CONSTANTS, slip=0.3),
    "slip_rate 0": replace(CONSTANTS, slip_rate=0.0),
    "slip_rate .01": replace(CONSTANTS, slip_rate=0.01),
    "slip_rate .05": replace(CONSTANTS, slip_rate=0.05),
    "majority 1": replace(CONSTANTS, majority=1.0),
    "majority 2": replace(CONSTANTS, majority=2.0),
    "unheard 0": replace(CONSTANTS, unheard=0.0),
    "unheard 1": replace(CONSTANTS, unheard=1.0),
    "least_slip .1": replace(CONSTANTS, least_slip=0.1),
    "most_slip .5": replace(CONSTANTS, most_slip=0.5),
    "chance .01": replace(CONSTANTS, chance=0.01),
    "chance .05": replace(CONSTANTS, chance=0.05),
    "chance .1": replace(CONSTANTS, chance=0.1),
    "least_novel .03": replace(CONSTANTS, least_novel=0.03),
    "least_novel .3": replace(CONSTANTS, least_novel=0.3),
    "novel_prior 30": replace(CONSTANTS, novel_prior=30.0),
    "novel_prior 300": replace(CONSTANTS, novel_prior=300.0),
    "confirmed_prior 1/5": replace(CONSTANTS, confirmed_prior=(1.0, 5.0)),
    "confirmed_prior 40/200": replace(CONSTANTS, confirmed_prior=(40.0, 200.0)),
    "decay .99": replace(CONSTANTS, decay=0.99),
    "decay 1": replace(CONSTANTS, decay=1.0),
    "hazard 0": replace(CONSTANTS, hazard=0.0),
    "hazard .5": replace(CONSTANTS, hazard=0.5),
    "hazard 1": replace(CONSTANTS, hazard=1.0),
    "living 4": replace(CONSTANTS, living=4.0),
    "living 99": replace(CONSTANTS, living=99.0),
    "revived_prior 1/2": replace(CONSTANTS, revived_prior=(1.0, 2.0)),
    "weights 1": replace(CONSTANTS, weights=(1.0,)),
    "weights 0/1": replace(CONSTANTS, weights=(0.0, 1.0)),
    "foreseen_decay .99": replace(CONSTANTS, foreseen_decay=0.99),
    "foreseen_decay 1": replace(CONSTANTS, foreseen_decay=1.0),
    "lead 0": replace(CONSTANTS, lead=0.0),
    "lead 10": replace(CONSTANTS, lead=10.0),
}


async def main(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    pool = read_utterances(options.data, options.classes)
    agents = agent_names(8)
    variants = {name: VARIANTS[name] for name in options.variants}
    figures: dict[str, dict[str, list[float]]] = {name: {} for name in variants}
    with progress_bar() as progress:
        for seed in options.seeds:
            steps = stream(pool, agents=agents, tasks=options.tasks, wordings=1, seed=seed)
            near: Sequence[Neighbours] = await neighbours_of(steps, progress)
            bar = progress.add_task(f"seed {seed}", total=len(variants) * len(options.conditions))
            for condition in options.conditions:
                changed = CONDITIONS[condition].change(steps, pool, seed)
                for name, constants in variants.items():
                    right = accuracy(changed, near, constants)
                    figures[name].setdefault(condition, []).append(sum(right[-options.last :]) / options.last)
                    progress.advance(bar)
    header = ("constant", *options.conditions)
    rows = [
        (name, *(f"{Spread.of(by_condition[condition]).mean:.3f}" for condition in options.conditions))
        for name, by_condition in figures.items()
    ]
    print_table(f"Accuracy over the last {options.last}, mean over seeds {options.seeds}", header, rows)
    write_json(
        options.json,
        benchmark="constants",
        settings={name: value for name, value in vars(options).items() if name not in ("data", "json")},
        results=figures,
        seconds=time.perf_counter() - started,
    )


def arguments() -> argparse.Namespace:
    made = parser(__doc__ or "", DATA)
    made.add_argument("data", type=Path, metavar="DATA", help="folder with Banking77's train.csv and test.csv")
    made.add_argument("--tasks", type=positive, default=4000, help="length of the stream (default: %(default)s)")
    made.add_argument("--last", type=positive, default=500, help="tasks at the end that count (default: %(default)s)")
    made.add_argument("--classes", type=Classes, choices=tuple(Classes), default=Classes.ALL, help="which classes")
    made.add_argument("--conditions", type=names(CONDITIONS), default=tuple(CONDITIONS), help="comma-separated")
    made.add_argument("--variants", type=names(VARIANTS), default=tuple(VARIANTS), help="comma-separated")
    made.add_argument("--seeds", type=numbers, default=(10, 11), help="comma-separated (default: 10,11)")
    return made.parse_args()


if __name__ == "__main__":
    run_async(main, arguments())
