"""The demo as it is told: the first tasks and the first event of each kind at length, then a line for each event."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

from fleetlore.server.demo.attempt import Attempt, Statement, Tally
from fleetlore.server.demo.screen import Screen, blocks, clipped
from fleetlore.server.demo.world import World

_AT_LENGTH = 3  # tasks at the beginning
_STAYS = 6  # paces, what is told at length
_RECENT = 20
_MARGIN = " " * 11
_LABEL = 18


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something about an attempt that is worth a line."""

    kind: str
    label: str
    colour: str | None = None


class Story:
    """Tells attempts as they come. `statement` says what an item states, and who stated it first."""

    def __init__(self, screen: Screen, world: World, statement: Callable[[str], Statement]) -> None:
        self._screen = screen
        self._world = world
        self._statement = statement
        self._told: list[Attempt] = []
        self._kinds = {"learns"}
        self._active: set[str] = set()

    async def attempt(self, attempt: Attempt) -> None:
        """Tells one attempt."""
        number = attempt.task.number
        if number == self._world.change:
            changed = f"A new version comes out; from here on, other remedies: {len(self._world.changed)}"
            await self._screen.line(click.style(changed, fg="yellow", bold=True), stays=_STAYS)
        self._told.append(attempt)
        events = list(self._events(attempt))
        if number <= _AT_LENGTH or not self._kinds.issuperset(event.kind for event in events):
            await self._at_length(attempt, events)
        else:
            for event in events:
                label = click.style(f"{event.label:<{_LABEL}}", fg=event.colour, dim=event.colour is None)
                await self._screen.line(f"{_who(attempt)} {label} {clipped(attempt.task.trouble.title, 49)}")
        self._kinds.update(event.kind for event in events)
        self._active.update(attempt.borne_out)
        self._screen.status(self._status())

    def over(self) -> None:
        """Takes the status away."""
        self._screen.status("")

    def _events(self, attempt: Attempt) -> Iterator[Event]:
        source = self._statement(attempt.followed[0]) if attempt.followed else None
        author = source.agent if source else ""
        if attempt.spared:
            by = "itself" if author == attempt.task.agent else author
            yield Event(kind="spared", label=f"spared by {by}", colour="green")
        if attempt.careless and attempt.reported and not attempt.solved:
            yield Event(kind="careless", label="claims success", colour="magenta")
        elif "superseding" in attempt.decisions:
            yield Event(kind="replaced", label=f"replaces {author}'s", colour="yellow")
        elif attempt.misled and source and source.was_right:
            yield Event(kind="outdated", label=f"outdated, {author}'s", colour="yellow")
        elif attempt.misled:
            yield Event(kind="misled", label=f"misled by {author}", colour="red")
        elif attempt.stated:
            yield Event(kind="learns", label="learns at once" if attempt.solved else f"learns, try {attempt.tries}")
        if "rejected" in attempt.decisions:
            yield Event(kind="refused", label="lesson refused", colour="magenta")
        for item in sorted(attempt.borne_out.intersection(attempt.followed) - self._active):
            yield Event(kind="borne out", label=f"{self._statement(item).agent}'s is active", colour="cyan")

    async def _at_length(self, attempt: Attempt, events: list[Event]) -> None:
        await self._screen.line(f"{_who(attempt)} {click.style(attempt.task.trouble.title, bold=True)}")
        for label, text in (
            ("asks", self._answer(attempt)),
            ("tries", _trying(attempt)),
            ("reports", _reporting(attempt)),
        ):
            await self._screen.line(f"{_MARGIN}{click.style(f'{label:<8}', dim=True)}{clipped(text, 60)}")
        labels = [click.style(event.label, fg=event.colour) for event in events if event.colour]
        if labels:
            await self._screen.line(f"{_MARGIN}{', '.join(labels)}")
        await self._screen.line("", stays=_STAYS)

    def _answer(self, attempt: Attempt) -> str:
        """What the memory answered."""
        if attempt.followed:
            return f"{attempt.mode}: {self._statement(attempt.followed[0]).agent} says, {attempt.first}"
        if attempt.shown:
            return f"{attempt.mode}: it knows of other troubles only"
        return f"{attempt.mode}: it knows nothing"

    def _status(self) -> str:
        recent = self._told[-_RECENT:]
        tally = Tally(world=self._world, attempts=self._told)
        [curve] = blocks(tally.curve)
        solved = f"{sum(attempt.solved for attempt in recent)} of last {len(recent)}"
        place = f"{len(self._told)}/{len(self._world.tasks)}"
        return f"{place:>9} {curve} right at once: {solved}, spared: {tally.spared}"


def _who(attempt: Attempt) -> str:
    return f"{attempt.task.number:>4} {click.style(f'{attempt.task.agent:<5}', bold=True)}"


def _trying(attempt: Attempt) -> str:
    """What it tried first, and how that went."""
    if attempt.careless and not attempt.solved:
        return f"wrong, and does not see it: {attempt.first}"
    if attempt.spared:
        return f"right. Alone it would have tried: {attempt.task.guesses[0]}"
    if attempt.solved:
        return f"right at once: {attempt.first}"
    return f"wrong, right at try {attempt.tries}. The first: {attempt.first}"


def _reporting(attempt: Attempt) -> str:
    if not attempt.reported:
        return "nothing, it forgets to"
    if attempt.stated:
        return f"a lesson: {attempt.stated}"
    return "that it failed" if attempt.misled and not attempt.careless else "that it helped"


def opening(world: World, *, seed: int, learning: bool) -> str:
    """What is said before the first task."""
    troubles, remedies = len({task.trouble for task in world.tasks}), len(world.tasks[0].guesses)
    agents = f"{len(world.agents)} scripted agent{'s' * (len(world.agents) > 1)}"
    lines = [
        f"{agents}, {len(world.tasks)} tasks, seed {seed}. A server of their own, its memory empty.",
        f"{troubles} troubles, each with {remedies} remedies that sound right: trying shows which one is.",
        "Every agent asks before a task, tries, and reports. Nothing here is canned.",
    ]
    if world.careless:
        lines.append(f"One of them, {world.careless}, is careless and claims success without looking.")
    if not learning:
        lines.append("Learning is off: the server holds back what it knows, and every agent guesses.")
    return "\n".join(lines)
