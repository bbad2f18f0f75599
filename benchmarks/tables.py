"""What the streams report about their runs: tables for people, the same figures as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby

from accuracy import Run, Spread
from calibration import Calibration
from comparison import Difference, difference, gap_closed
from matrix import World
from recovery import recoveries
from report import print_table

BETTER, WORSE, BEST = "fleetlore", "keep-all", "oracle"
FLOORS = ("private", "none")
NEVER = "not within the stream"

Runs = Sequence[Run]


def by_arm(runs: Runs, world: World) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    for run in runs:
        if run.cell.world == world.name:
            found.setdefault(run.cell.arm, []).append(run)
    return found


def print_accuracy(title: str, world: World, runs: Runs, yardsticks: Mapping[str, str] | None = None) -> None:
    """Print arms by figures; `yardsticks` is a column of figures known from elsewhere."""
    header = ["arm", f"last {world.last}", "all tasks", "ms per task"]
    header[3:3] = [f"recovery after {turn}" for turn in world.turns]
    rows = []
    for arm, group in by_arm(runs, world).items():
        back = [NEVER if tasks is None else str(tasks) for tasks in recoveries(group, world.turns)]
        last, every = Spread.of([run.share(world.last) for run in group]), Spread.of([run.share() for run in group])
        pace = Spread.of([run.milliseconds_per_task() for run in group]).mean
        rows.append([arm, str(last), str(every), *back, f"{pace:.1f}"])
    if yardsticks is not None:
        header.insert(2, "yardstick")
        for row in rows:
            row.insert(2, yardsticks.get(row[0], ""))
    print_table(f"{world.name}: {title}, mean over seeds (lowest-highest)", header, rows)


def print_curves(world: World, runs: Runs) -> None:
    curves = {
        arm: [Spread.of(part).mean for part in zip(*(run.curve(world.window) for run in group), strict=True)]
        for arm, group in by_arm(runs, world).items()
    }
    ends = range(world.window, world.tasks + world.window, world.window)
    print_table(
        f"{world.name}: learning curve, windows of {world.window} tasks",
        ("arm", *(f"to {min(end, world.tasks)}" for end in ends)),
        [(arm, *(f"{share:.3f}" for share in curve)) for arm, curve in curves.items()],
    )


def print_differences(worlds: Sequence[World], runs: Runs) -> None:
    """Print what learning is worth beside keeping everything, where both arms were run."""
    rows = []
    for world in worlds:
        if (gained := compared(world, runs)) is None:
            continue
        gap, closed = compared(world, runs, better=BEST), ""
        if (share := gap_closed(gap, gained)) is not None:
            closed = f"{share:.0%}"
        each = " ".join(f"{mean:+.3f}" for mean in gained.by_seed)
        rows.append((world.name, str(gained), each, str(gap or ""), closed))
    if rows:
        print_table(
            "Differences at the end, paired by task (95 % interval: bootstrap over seeds and tasks)",
            ("world", f"{BETTER} - {WORSE}", "by seed", f"{BEST} - {WORSE}", "of it closed"),
            rows,
        )


def compared(world: World, runs: Runs, better: str = BETTER) -> Difference | None:
    arms = by_arm(runs, world)
    return difference(arms.get(better, ()), arms.get(WORSE, ()), world.last)


def print_harm(worlds: Sequence[World], runs: Runs) -> None:
    """Print, per world and seed, whether sharing ever does harm: worse than agents on their own, or than nothing."""
    rows = [
        (name, str(seed), *(f"{share:.3f}" if share is not None else "" for share in shares), verdict(shares))
        for name, seed, shares in harm(worlds, runs)
    ]
    if rows:
        header = ("world", "seed", BETTER, *FLOORS, f"{BETTER} is at least as good")
        print_table("Harm bound at the end", header, rows)


def harm(worlds: Sequence[World], runs: Runs) -> list[tuple[str, int, tuple[float | None, ...]]]:
    """Return world, seed and the shares at the end of the shared memory and of the floors that were run."""
    found = []
    for world in worlds:
        mine = sorted((run for run in runs if run.cell.world == world.name), key=lambda run: run.cell.seed)
        for seed, group in groupby(mine, key=lambda run: run.cell.seed):
            shares = {run.cell.arm: run.share(world.last) for run in group}
            if BETTER in shares and not shares.keys().isdisjoint(FLOORS):
                found.append((world.name, seed, tuple(shares.get(arm) for arm in (BETTER, *FLOORS))))
    return found


def verdict(shares: Sequence[float | None]) -> str:
    mine, *floors = shares
    return "yes" if mine is not None and all(floor is None or mine >= floor for floor in floors) else "NO"


def print_calibration(worlds: Sequence[World], runs: Runs) -> None:
    """Print how well confidence tells right items from wrong ones, over all seeds together."""
    rows = []
    for world in worlds:
        for arm, group in by_arm(runs, world).items():
            for what, total in calibrations(group).items():
                if total.items:
                    figures = (total.base_rate, total.brier, total.base_brier)
                    ratio = "" if total.ratio is None else f"{total.ratio:.3f}"
                    name = f"{world.name}: {arm}, {what}"
                    rows.append((name, str(total.items), *(f"{figure:.3f}" for figure in figures), ratio))
    header = ("world: arm, which items", "items", "right", "Brier of confidence", "Brier of the base rate", "ratio")
    if rows:
        print_table("Calibration at the end", header, rows)


def calibrations(group: Runs) -> dict[str, Calibration]:
    """Return the calibration of the items shown over the last tasks, and that of all items at the end."""
    return {
        "shown": Calibration.together(run.calibration for run in group),
        "kept": Calibration.together(run.kept for run in group),
    }


def summary(worlds: Sequence[World], runs: Runs) -> list[dict[str, object]]:
    """Return the figures of all tables, per world."""
    return [
        {
            "world": world.name,
            "last": world.last,
            "arms": {arm: arm_summary(world, group) for arm, group in by_arm(runs, world).items()},
            **differences(world, runs),
            "harm": [
                {
                    "seed": seed,
                    BETTER: mine,
                    **dict(zip(FLOORS, floors, strict=True)),
                    "holds": verdict((mine, *floors)),
                }
                for _, seed, (mine, *floors) in harm([world], runs)
            ],
        }
        for world in worlds
    ]


def arm_summary(world: World, group: Runs) -> dict[str, object]:
    return {
        "last": asdict(Spread.of([run.share(world.last) for run in group])),
        "all": asdict(Spread.of([run.share() for run in group])),
        "recovery": recoveries(group, world.turns),
        "calibration": {
            what: {
                "items": total.items,
                "right": total.base_rate,
                "brier": total.brier,
                "base_brier": total.base_brier,
                "ratio": total.ratio,
            }
            for what, total in calibrations(group).items()
            if total.items
        },
    }


def differences(world: World, runs: Runs) -> dict[str, object]:
    if (gained := compared(world, runs)) is None:
        return {}
    gap = compared(world, runs, better=BEST)
    return {
        f"{BETTER} - {WORSE}": asdict(gained),
        f"{BEST} - {WORSE}": asdict(gap) if gap else None,
        "gap_closed": gap_closed(gap, gained),
    }
