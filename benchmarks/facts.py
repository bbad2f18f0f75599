"""A fact changes: is the new one told first, the old one kept as what it is, and everything else left alone?

Four agents state numbered facts. Half of the facts change: an agent follows the old item, fails and reports the new
number, naming the old item in `replaces`, in `harmful`, or nowhere; another agent confirms. Then all facts are asked
for again. In the end many more reports come in on the facts that changed, while the items of the others are watched.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from arms import agent_names
from command_line import add_transport, parser, positive, run_async
from connection import connect
from fact_fleet import WORKING, Fleet, Naming
from lookup import NO_DATA
from memory import FleetloreMemory, Item
from numbered_facts import Fact, numbered_facts
from report import print_table, progress_bar, write_json
from rich.progress import Progress

CHANGE = 0.25
"""How often a fact changes before one of the many further reports on it."""
CONTENT = ("kind", "insight", "applies_when", "status", "tags", "project", "superseded_by", "conflicts_with")
COUNTS = ("support", "contradiction", "agents")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """What became of a fact that changed, when it is asked for again; `confirmed`: by a second agent."""

    confirmed: bool
    current_first: bool
    old_reachable: bool
    old_marked: bool
    old_behind: bool

    @property
    def old_kept(self) -> bool:
        """The old item is not lost, and nobody takes it for current."""
        return self.old_reachable and (self.old_marked or self.old_behind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Isolation:
    """What many reports on some facts did to the items of others, of which nobody reported anything."""

    reports: int
    watched: int
    content: int
    counts: int
    confidence: int
    largest_shift: float


async def contradict(
    fleet: Fleet, ways: Mapping[Fact, Naming], others: Sequence[Fact], progress: Progress
) -> dict[Fact, bool]:
    """Change facts, one after the other. Returns which of them a second agent confirmed."""
    confirmed = {}
    changing = fleet.rng.sample(sorted(ways, key=lambda fact: fact.question), len(ways))
    for fact in progress.track(changing, description="facts change"):
        failing, confirming, passing = fleet.rng.sample(fleet.agents[WORKING], 3)
        fleet.change(fact)
        taught = await fleet.work(fact, ways[fact], failing)
        await fleet.ask(fleet.rng.choice(others), passing)
        confirmed[fact] = await fleet.confirm(fact, taught, confirming)
        await fleet.ask(fleet.rng.choice(others), passing)
    return confirmed


async def fate(fleet: Fleet, fact: Fact, confirmed: bool) -> Fate:
    """Ask for a fact that has changed, and look up what became of the item that held it before."""
    shown = await fleet.ask(fact, fleet.rng.choice(fleet.agents))
    places = {item.id: place for place, item in enumerate(shown.items)}
    current = next((place for place, item in enumerate(shown.items) if holds(item, fleet, fact)), None)
    old = await fleet.item(fact)
    place = places.get(fleet.stated[fact])
    return Fate(
        confirmed=confirmed,
        current_first=current == 0,
        old_reachable=old is not None and old["pruned_by"] is None,
        old_marked=old is not None and old["status"] in ("superseded", "contested"),
        old_behind=current is not None and place is not None and current < place,
    )


def holds(item: Item, fleet: Fleet, fact: Fact) -> bool:
    return fact.number(item.insight) == fleet.numbers[fact]


async def first(fleet: Fleet, fact: Fact) -> bool:
    """Tell whether what is shown first for a fact is that fact, as it is now."""
    shown = await fleet.ask(fact, fleet.rng.choice(fleet.agents))
    return any(holds(item, fleet, fact) for item in shown.items[:1])


async def isolate(
    fleet: Fleet, facts: Sequence[Fact], naming: Naming, watched: Sequence[Fact], reports: int, progress: Progress
) -> Isolation:
    """Report many times on some facts, which change now and then, and compare the items of others before and after."""
    before = [await fleet.item(fact) or {} for fact in watched]
    for _ in progress.track(range(reports), description=f"reports on other facts, naming {naming}"):
        fact = fleet.rng.choice(facts)
        if fleet.rng.random() < CHANGE:
            fleet.change(fact)
        await fleet.work(fact, naming, fleet.rng.choice(fleet.agents[WORKING]))
    after = [await fleet.item(fact) or {} for fact in watched]
    pairs = list(zip(before, after, strict=True))
    shifts = [abs(one["confidence"] - other["confidence"]) for one, other in pairs]
    return Isolation(
        reports=reports,
        watched=len(watched),
        content=sum(same(one, other, CONTENT) for one, other in pairs),
        counts=sum(same(one, other, COUNTS) for one, other in pairs),
        confidence=sum(shift == 0 for shift in shifts),
        largest_shift=round(max(shifts), 3),
    )


def same(one: Mapping[str, Any], other: Mapping[str, Any], fields: Sequence[str]) -> bool:
    return all(one[name] == other[name] for name in fields)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """`unchanged` counts the facts that never changed and are shown first; `fates` and `isolations` go by naming."""

    facts: int
    unchanged: int
    fates: Mapping[Naming, Sequence[Fate]]
    isolations: Mapping[Naming, Isolation]
    decisions: Mapping[str, int]


async def play(options: argparse.Namespace, progress: Progress) -> Outcome:
    """Go through the whole story on an empty memory."""
    facts = numbered_facts(options.count, options.seed)
    changing, lasting = facts[: len(facts) // 2], facts[len(facts) // 2 :]
    ways = {fact: tuple(Naming)[place % len(Naming)] for place, fact in enumerate(changing)}
    rng = random.Random(f"fleet/{options.seed}")
    with TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True) as folder:
        async with connect(options.transport, Path(folder) / "facts") as connection:
            fleet = Fleet(memory=FleetloreMemory(connection=connection), agents=agent_names(8), rng=rng)
            for fact in progress.track(rng.sample(facts, len(facts)), description="facts are stated"):
                await fleet.state(fact)
            confirmed = await contradict(fleet, ways, lasting, progress)
            fates: dict[Naming, list[Fate]] = {naming: [] for naming in Naming}
            for fact in progress.track(changing, description="changed facts are asked for"):
                fates[ways[fact]].append(await fate(fleet, fact, confirmed[fact]))
            unchanged = [await first(fleet, fact) for fact in lasting]
            isolations = {}
            for naming in Naming:
                about = [fact for fact in changing if ways[fact] is naming]
                share = options.reports // len(Naming)
                isolations[naming] = await isolate(fleet, about, naming, lasting, share, progress)
            return Outcome(
                facts=len(lasting),
                unchanged=sum(unchanged),
                fates=fates,
                isolations=isolations,
                decisions=dict(fleet.memory.decisions),
            )


FIGURES: Mapping[str, Callable[[Fate], bool]] = {
    "current first": lambda fate: fate.current_first,
    "old kept": lambda fate: fate.old_kept,
    "reachable": lambda fate: fate.old_reachable,
    "marked": lambda fate: fate.old_marked,
    "shown behind": lambda fate: fate.old_behind,
    "confirmed": lambda fate: fate.confirmed,
}


def shares(fates: Sequence[Fate]) -> dict[str, float]:
    return {name: sum(map(figure, fates)) / len(fates) for name, figure in FIGURES.items()}


def show(outcome: Outcome) -> None:
    rows = [
        (naming.value, str(len(fates)), *(f"{share:.3f}" for share in shares(fates).values()))
        for naming, fates in outcome.fates.items()
    ]
    unchanged = f"{outcome.unchanged / outcome.facts:.3f}"
    rows.append(("(never changed)", str(outcome.facts), unchanged, *([""] * (len(FIGURES) - 1))))
    print_table("Facts that changed, by how the failure named the old item", ("named in", "facts", *FIGURES), rows)
    print_table(
        "Items that nobody reported on, after reports on other facts: share untouched",
        ("named in", "reports", "watched", "content", "counts", "confidence", "largest shift"),
        [
            (
                naming.value,
                str(one.reports),
                str(one.watched),
                *(f"{same / one.watched:.3f}" for same in (one.content, one.counts, one.confidence)),
                f"{one.largest_shift:.2f}",
            )
            for naming, one in outcome.isolations.items()
        ],
    )


async def main(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    with progress_bar() as progress:
        outcome = await play(options, progress)
    show(outcome)
    write_json(
        options.json,
        benchmark="facts",
        settings={name: value for name, value in vars(options).items() if name != "json"},
        results={
            "changed": {naming: shares(fates) for naming, fates in outcome.fates.items()},
            "unchanged_first": outcome.unchanged / outcome.facts,
            "isolation": {naming: asdict(one) for naming, one in outcome.isolations.items()},
            "decisions": outcome.decisions,
        },
        seconds=time.perf_counter() - started,
    )


def arguments() -> argparse.Namespace:
    made = parser(__doc__, NO_DATA)
    made.add_argument("--count", type=positive, default=200, help="how many facts (default: %(default)s)")
    made.add_argument("--reports", type=positive, default=1000, help="on other facts in the end (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of the facts and the story (default: %(default)s)")
    add_transport(made)
    return made.parse_args()


if __name__ == "__main__":
    run_async(main, arguments())
