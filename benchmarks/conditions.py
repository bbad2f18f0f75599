"""What can be wrong with a fleet's world: slips, lies and change. Pure functions from steps to steps.

Each draws from a generator of its own: a condition is the same for every arm, and the utterances and agents of a seed
are the same in every condition.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from intents import Step, Utterance, intents
from neighbours import labels_nearby

SLIPS = 0.3
NEARBY = 10

Steps = tuple[Step, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """`change` takes steps, the pool that they are drawn from, and the seed; `turns` are the times of change."""

    name: str
    change: Callable[[Steps, Sequence[Utterance], int], Steps]
    turns: tuple[Fraction, ...] = ()

    def places(self, tasks: int) -> tuple[int, ...]:
        """Return the first tasks of a new world."""
        return tuple(place(turn, tasks) for turn in self.turns)


HALF_WAY = Fraction(1, 2)
MIDDLE_THIRD = (Fraction(1, 3), Fraction(2, 3))


def place(turn: Fraction, tasks: int) -> int:
    return int(turn * tasks)


def clean(steps: Steps, pool: Sequence[Utterance], seed: int) -> Steps:
    """Every agent is told the truth."""
    return steps


def noise(steps: Steps, pool: Sequence[Utterance], seed: int) -> Steps:
    """Now and then an agent is told any label at random instead."""
    rng = random.Random(f"noise/{seed}")
    names = intents(pool)
    return tuple(replace(step, revealed=rng.choice(names)) if rng.random() < SLIPS else step for step in steps)


def drift(steps: Steps, pool: Sequence[Utterance], seed: int) -> Steps:
    """Half way, half of the classes swap their names."""
    return turned(steps, swapped(pool, seed), place(HALF_WAY, len(steps)), len(steps))


def both(steps: Steps, pool: Sequence[Utterance], seed: int) -> Steps:
    """Drift and noise."""
    return noise(drift(steps, pool, seed), pool, seed)


def plausible(steps: Steps, pool: Sequence[Utterance], seed: int) -> Steps:
    """Now and then an agent mistakes a task for another that looks like it."""
    rng = random.Random(f"plausible/{seed}")
    slips = [rng.random() < SLIPS for _ in steps]
    asked = [Utterance(text=step.text, intent=step.origin) for step, slip in zip(steps, slips, strict=True) if slip]
    mistaken = labels_nearby(asked, pool, NEARBY)
    return tuple(
        replace(step, revealed=step.world[rng.choice(next(mistaken))]) if slip else step
        for step, slip in zip(steps, slips, strict=True)
    )


def there_and_back(steps: Steps, pool: Sequence[Utterance], seed: int) -> Steps:
    """The classes swap their names for the middle third only."""
    start, end = (place(turn, len(steps)) for turn in MIDDLE_THIRD)
    return turned(steps, swapped(pool, seed), start, end)


def liar(steps: Steps, pool: Sequence[Utterance], seed: int) -> Steps:
    """One agent always says something wrong."""
    rng = random.Random(f"liar/{seed}")
    names = intents(pool)
    lying = min(step.agent for step in steps)
    return tuple(
        replace(step, revealed=rng.choice([name for name in names if name != step.intent]))
        if step.agent == lying
        else step
        for step in steps
    )


def swapped(pool: Sequence[Utterance], seed: int) -> Mapping[str, str]:
    """Return a world in which a random half of the classes has changed names in one cycle."""
    names = intents(pool)
    moved = random.Random(f"drift/{seed}").sample(names, len(names) // 2)
    return {name: name for name in names} | dict(zip(moved, moved[1:] + moved[:1], strict=True))


def turned(steps: Steps, world: Mapping[str, str], start: int, end: int) -> Steps:
    """Put the steps from `start` to `end` into another world, where the truth is revealed."""
    return tuple(
        replace(step, world=world, revealed=world[step.origin]) if start <= number < end else step
        for number, step in enumerate(steps)
    )


CONDITIONS: Mapping[str, Condition] = {
    condition.name: condition
    for condition in (
        Condition(name="clean", change=clean),
        Condition(name="noise", change=noise),
        Condition(name="drift", change=drift, turns=(HALF_WAY,)),
        Condition(name="both", change=both, turns=(HALF_WAY,)),
        Condition(name="plausible", change=plausible),
        Condition(name="there-and-back", change=there_and_back, turns=MIDDLE_THIRD),
        Condition(name="liar", change=liar),
    )
}
