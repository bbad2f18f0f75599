"""What is said of the demo when it is over, for people and as JSON."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from fleetlore.server.demo.attempt import QUARTERS, Lesson, Share, Tally, trust
from fleetlore.server.demo.screen import blocks
from fleetlore.server.demo.world import World

_ROWS = 4  # of the graph
_STATUSES = ("active", "provisional", "contested", "superseded")


def summary(tally: Tally) -> str:
    """The figures, and the curve with the memory above the one without."""
    return "\n\n".join([_quarters(tally), _graph(tally), _figures(tally)])


def farewell(world: World, *, seed: int, learning: bool, data: str) -> str:
    """What to do next."""
    same = f"fleetlore demo --agents {len(world.agents)} --tasks {len(world.tasks)} --seed {seed}"
    if learning:
        lines = [f"The same without: {same} --no-learning"]
    else:
        lines = ["No gain, as it must be.", f"The same with the memory: {same}"]
    if data:
        lines.append(f"What it learnt is still there: fleetlore report --data {data}")
    lines += [
        "",
        "Connect your own assistant, and give it what you have written down already:",
        click.style("  fleetlore install claude-code", bold=True),
        click.style("  fleetlore import AGENTS.md", bold=True),
    ]
    return "\n".join(lines)


def summary_of(tally: Tally, *, seed: int, learning: bool) -> dict[str, Any]:
    """The summary as JSON; `alone` is what the agents' own guesses would have come to."""
    return {
        "seed": seed,
        "learning": learning,
        "agents": len(tally.world.agents),
        "tasks": len(tally.world.tasks),
        "solved_at_first_try": {
            quarter: {"with_memory": _share(tally.solved(quarter)), "alone": _share(tally.guessed(quarter))}
            for quarter in QUARTERS
        },
        "curve": [round(share, 4) for share in tally.curve],
        "curve_alone": [round(share, 4) for share in tally.curve_alone],
        "tries": {"with_memory": tally.tries, "alone": tally.tries_alone},
        "spared": tally.spared,
        "misled": tally.misled.count,
        "followed": tally.misled.of,
        "cost": tally.cost,
        "receipts": {"given": tally.receipts.of, "answered": tally.receipts.count},
        "changed": len(tally.world.changed),
        "lessons": _lessons(tally.lessons),
        "careless": {"agent": tally.world.careless, "lessons": _lessons(tally.of(tally.world.careless))},
    }


def _quarters(tally: Tally) -> str:
    header = f"{'solved at the first try':<28}{'first quarter':>16}{'last quarter':>16}"
    rows = [
        f"{name:<28}{first!s:>16}{last!s:>16}"
        for name, first, last in (
            ("  with the memory", tally.solved("first"), tally.solved("last")),
            ("  by their own guess alone", tally.guessed("first"), tally.guessed("last")),
        )
    ]
    return "\n".join([click.style(header, bold=True), *rows])


def _graph(tally: Tally) -> str:
    upper = blocks(tally.curve, rows=_ROWS)
    [alone] = blocks(tally.curve_alone)
    marks = ["100 %", *[""] * (_ROWS - 2), "0 %"]
    rows = [f"{mark:>7} {click.style(row, fg='green')}" for mark, row in zip(marks, upper, strict=True)]
    half = len(alone) * (tally.world.change - 1) // len(tally.world.tasks)
    change = f"{'':8}{' ' * half}^ from here on, other remedies: {len(tally.world.changed)}"
    return "\n".join([*rows, change, f"{'alone':>7} {alone}"])


def _figures(tally: Tally) -> str:
    counted = Counter(lesson.status for lesson in tally.lessons)
    kept = ", ".join(f"{counted[status]} {status}" for status in _STATUSES if counted[status])
    right, wrong = (_told(trust(tally.lessons, right=right)) for right in (True, False))
    followed = [
        ("tries", f"{tally.tries} in place of {tally.tries_alone}"),
        ("spared", f"{tally.spared} first tries that would have failed"),
        ("misled", f"{tally.misled} times they went by the memory; in {tally.cost} their own guess was right"),
    ]
    rows = [
        *(followed if tally.misled.of else []),
        ("receipts", f"{tally.receipts} answered"),
        ("lessons", f"{len(tally.lessons)}: {kept}"),
        ("trust", f"{right} in lessons that are right now, {wrong} in those that are not"),
    ]
    if own := tally.of(tally.world.careless):
        bad = [lesson for lesson in own if not lesson.right]
        trusted = f", trusted {_told(trust(bad, right=False))}" if bad else ""
        rows.append((tally.world.careless, f"is careless: {len(bad)} of {len(own)} lessons are wrong{trusted}"))
    return "\n".join(f"{click.style(f'{name:<10}', bold=True)}{text}" for name, text in rows)


def _told(confidence: float | None) -> str:
    return "-" if confidence is None else f"{confidence:.2f}"


def _lessons(lessons: Sequence[Lesson]) -> dict[str, Any]:
    counted = Counter(lesson.status for lesson in lessons)
    return {
        "all": len(lessons),
        "right": sum(lesson.right for lesson in lessons),
        **{status: counted[status] for status in _STATUSES},
        "trust_if_right": _rounded(trust(lessons, right=True)),
        "trust_if_wrong": _rounded(trust(lessons, right=False)),
    }


def _share(share: Share) -> dict[str, int]:
    return {"count": share.count, "of": share.of}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
