"""Uplift: what knowledge is worth, from the first outcomes of receipts. Pure.

Where the agent has not said how a task went, what was seen from outside counts as its first outcome.

A share of the retrievals may be held out: chosen by lot, whatever is known, they show nothing. What the others gain
over them is the effect of offering knowledge, found or not (intention to treat); comparing tasks for which something
was found with those for which nothing was would compare easy tasks with hard ones. For a space, a tag or an item a
held-out task counts by what lay nearest to it, as that is what it would have been shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fleetlore.kmu.proportion import Difference, Proportion, difference
from fleetlore.storage.attempts import Attempt, Traits
from fleetlore.storage.identifiers import ItemId

BANDS = 10
LEAST_SHOWN = 5
_USUALLY_SHOWN = 5
_WINDOWS = 20
_LEAST_WINDOW = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """First outcomes with knowledge and without; `uplift` is what knowledge adds, where there is something of both."""

    name: str
    offered: Proportion
    held_out: Proportion

    @property
    def uplift(self) -> Difference | None:
        """The difference of the two."""
        return difference(self.offered, self.held_out)


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Outcomes of which the controller expected about as much: what it expected, on average, and what came."""

    expected: float
    actual: Proportion


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Consecutive first outcomes; `end` is how many there were up to its end."""

    end: int
    success: Proportion


@dataclass(frozen=True, kw_only=True, slots=True)
class Uplift:
    """What the first outcomes say. `brier` is the mean of (expected − outcome)² where something was shown (Brier 1950).

    `seen` counts the receipts not answered of which an outcome was seen from outside, `implicit` the first
    outcomes that are no agent's own word, of all `outcomes`. `overall` compares offering knowledge with holding it
    back; of what was offered, `shown` had items and `nothing_shown` had none. The learning curve leaves out what was
    held out.
    """

    receipts: int
    answered: int
    seen: int
    outcomes: int
    implicit: int
    overall: Comparison
    shown: Proportion
    nothing_shown: Proportion
    spaces: tuple[Comparison, ...]
    tags: tuple[Comparison, ...]
    projects: tuple[Comparison, ...]
    items: tuple[Comparison, ...]
    brier: float | None
    bands: tuple[Band, ...]
    curve: tuple[Window, ...]


def holds_out(digest: str, share: float) -> bool:
    """Whether the retrieval of that digest (hexadecimal) belongs to the share that is held out."""
    return int(digest[:13], 16) / 16**13 < share


def uplift(attempts: Sequence[Attempt], traits: Mapping[ItemId, Traits]) -> Uplift:
    """What these receipts, oldest first, say."""
    ended = [attempt for attempt in attempts if attempt.outcome is not None]
    offered = [attempt for attempt in ended if not attempt.held_out]
    shown = [attempt for attempt in offered if attempt.shown]
    expected = [(float(attempt.control["expected"]), _won(attempt)) for attempt in shown if attempt.control]
    return Uplift(
        receipts=len(attempts),
        answered=sum(attempt.answered for attempt in attempts),
        seen=sum(bool(attempt.implicit) and not attempt.answered for attempt in attempts),
        outcomes=len(ended),
        implicit=sum(bool(attempt.implicit) for attempt in ended),
        overall=_compared("", ended),
        shown=_success(shown),
        nothing_shown=_success(attempt for attempt in offered if not attempt.shown),
        spaces=_by(ended, lambda attempt: {traits[item].space for item in _items(attempt, traits)}),
        tags=_by(ended, lambda attempt: {tag for item in _items(attempt, traits) for tag in traits[item].tags}),
        projects=_by(ended, lambda attempt: {attempt.project} - {""}),
        items=tuple(
            item for item in _by(ended, lambda attempt: _items(attempt, traits)) if item.offered.of >= LEAST_SHOWN
        ),
        brier=sum((foreseen - won) ** 2 for foreseen, won in expected) / len(expected) if expected else None,
        bands=_bands(expected),
        curve=_curve([_won(attempt) for attempt in offered]),
    )


def _items(attempt: Attempt, traits: Mapping[ItemId, Traits]) -> set[ItemId]:
    """What was shown, or would have been."""
    items = attempt.near[:_USUALLY_SHOWN] if attempt.held_out else attempt.shown
    return {item for item in items if item in traits}


def _by(ended: Iterable[Attempt], names: Callable[[Attempt], Iterable[str]]) -> tuple[Comparison, ...]:
    groups: dict[str, list[Attempt]] = {}
    for attempt in ended:
        for name in names(attempt):
            groups.setdefault(name, []).append(attempt)
    found = [_compared(name, group) for name, group in groups.items()]
    return tuple(sorted(found, key=lambda one: (-one.offered.of, one.name)))


def _compared(name: str, ended: Sequence[Attempt]) -> Comparison:
    return Comparison(
        name=name,
        offered=_success(attempt for attempt in ended if not attempt.held_out),
        held_out=_success(attempt for attempt in ended if attempt.held_out),
    )


def _success(ended: Iterable[Attempt]) -> Proportion:
    return Proportion.among(_won(attempt) for attempt in ended)


def _won(attempt: Attempt) -> bool:
    return attempt.outcome == "success"


def _bands(expected: Sequence[tuple[float, bool]]) -> tuple[Band, ...]:
    bands: dict[int, list[tuple[float, bool]]] = {}
    for foreseen, won in expected:
        bands.setdefault(min(int(foreseen * BANDS), BANDS - 1), []).append((foreseen, won))
    return tuple(
        Band(expected=sum(foreseen for foreseen, _ in band) / len(band), actual=Proportion.among(w for _, w in band))
        for _, band in sorted(bands.items())
    )


def _curve(won: Sequence[bool]) -> tuple[Window, ...]:
    width = max(_LEAST_WINDOW, -(-len(won) // _WINDOWS))
    windows = [won[start : start + width] for start in range(0, len(won), width)]
    if len(windows) > 1 and len(windows[-1]) < width / 2:
        windows[-2:] = [[*windows[-2], *windows[-1]]]
    ends = [sum(map(len, windows[: number + 1])) for number in range(len(windows))]
    return tuple(Window(end=end, success=Proportion.among(w)) for end, w in zip(ends, windows, strict=True))
