"""What `poison.py` reports about its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accuracy import Run, Spread
from comparison import difference
from matrix import World
from poisoning import EVERY
from report import print_table

NOBODY, REFORMED = "without", "reformed"
REFERENCES = (NOBODY, REFORMED)
"""Arms of a fleet that nobody attacks: the attackers are not there, or they are honest."""
ARMS = (*REFERENCES, "fleetlore", "keep-all")
LEAST_SHARE = 0.05
SUSPECT = 0.5
WINDOW = 100
ACCURACY = ("attackers: attack, arm", "right", "lost", "follow poison", "of all", "lost where triggered")
TRUST = ("attackers: attack, arm", "quarantine", "suspected", "slip", "attackers'", "trusted", "trusted poison")

Figures = Mapping[str, float | None]


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


def print_tables(worlds: Sequence[World], runs: Sequence[Run], last: int) -> None:
    """Print what was lost, and where trust went, for each stream."""
    for stream in dict.fromkeys(Setting.of(world.name).stream for world in worlds):
        groups = [
            group
            for world in worlds
            if Setting.of(world.name).stream == stream
            for arm in ARMS
            if (group := [one for one in runs if one.cell.world == world.name and one.cell.arm == arm])
        ]
        title = f"{stream}: honest agents, mean over seeds; the last {last} of their tasks"
        print_table(title, ACCURACY, [accuracy_row(group, runs, last) for group in groups])
        attacked = [group for group in groups if Setting.of(group[0].cell.world).attack]
        print_table(f"{stream}: trust", TRUST, [trust_row(group, last) for group in attacked])


def accuracy_row(group: Sequence[Run], runs: Sequence[Run], last: int) -> tuple[str, ...]:
    right = str(Spread.of([one.share(last) for one in group]))
    if not Setting.of(group[0].cell.world).attack:
        return (_named(group), right, "", "", "", "")
    figures = [summary_of(one, last) for one in group]
    lost = difference(never_attacked(group, runs), group, last)
    on_trigger = [part for one in group if (part := lost_on_trigger(one, runs)) is not None]
    return (
        _named(group),
        right,
        "" if lost is None else str(lost),
        _mean(figures, "followed_last"),
        _mean(figures, "followed"),
        f"{sum(on_trigger) / len(on_trigger):+.3f}" if on_trigger else "",
    )


def trust_row(group: Sequence[Run], last: int) -> tuple[str, ...]:
    figures = [summary_of(one, last) for one in group]
    return (
        _named(group),
        *(_tasks(figures, name) for name in ("quarantine", "suspected")),
        *(_mean(figures, n) for n in ("slip_of_honest", "slip_of_attackers", "honest_trusted", "poison_trusted")),
    )


def never_attacked(group: Sequence[Run], runs: Sequence[Run]) -> list[Run]:
    """Return the runs of the same fleet without its attackers; their tasks are those of the honest agents."""
    setting = Setting.of(group[0].cell.world)
    beside = str(Setting(stream=setting.stream, attackers=setting.attackers))
    return [one for one in runs if one.cell.world == beside and one.cell.arm == NOBODY]


def lost_on_trigger(run: Run, runs: Sequence[Run]) -> float | None:
    """Return what was lost where the trigger is, over the second half of the stream."""
    half = len(run.hits) // 2
    places = [place for place, mark in enumerate(run.measured["triggered"]) if mark == "1" and place >= half]
    never = [one for one in never_attacked([run], runs) if one.cell.seed == run.cell.seed]
    if not never or not places:
        return None
    return sum(never[0].hits[place] - run.hits[place] for place in places) / len(places)


def summary(last: int, runs: Sequence[Run]) -> list[dict[str, object]]:
    """Return the figures of all tables, per run."""
    return [
        {"world": one.cell.world, "arm": one.cell.arm, "seed": one.cell.seed, "right": one.share(last)}
        | dict(summary_of(one, last))
        | {"lost_on_trigger": lost_on_trigger(one, runs)}
        for one in runs
    ]


def summary_of(run: Run, last: int) -> Figures:
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


def quarantine(shares: Sequence[float], first: int | None) -> float | None:
    """Return how many honest tasks after the first lie poisoned items have next to no votes, for good."""
    if first is None:
        return None
    means = [sum(shares[end - WINDOW : end]) / WINDOW for end in range(first + WINDOW, len(shares) + 1)]
    bad = [place for place, mean in enumerate(means) if mean >= LEAST_SHARE]
    if not bad:
        return 0.0
    return None if bad[-1] == len(means) - 1 else float(bad[-1] + 1)


def suspected(slips: Sequence[float], first: int | None) -> float | None:
    """Return how many tasks after the first lie the attackers' mean slip rate is above one half, for good."""
    if first is None:
        return None
    below = [place for place, slip in enumerate(slips) if slip <= SUSPECT]
    if below and below[-1] == len(slips) - 1:
        return None
    return float(max((below[-1] + 2 if below else 1) * EVERY - first, 0))


def _named(group: Sequence[Run]) -> str:
    setting = Setting.of(group[0].cell.world)
    return f"{setting.attackers}: {setting.attack or 'nobody'}, {group[0].cell.arm}"


def _mean(figures: Sequence[Figures], name: str) -> str:
    values = [value for one in figures if (value := one[name]) is not None]
    return f"{sum(values) / len(values):.3f}" if values else ""


def _tasks(figures: Sequence[Figures], name: str) -> str:
    values = [value for one in figures if (value := one[name]) is not None]
    return f"{sum(values) / len(values):.0f}" if len(values) == len(figures) else "never"
