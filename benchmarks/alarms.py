"""How soon an alarm follows a change, and how often there is one without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WARM_UP = 200
"""Tasks at the start of a stream, while the fleet knows next to nothing: no alarm counts."""
SETTLING = 500
"""Tasks after a change during which an alarm is right."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarms:
    """`delays`: for each change, tasks until an alarm is on (None: not before the next change, or the end).

    `calm` counts tasks at which an alarm is wrong, `falsely_on` those of them with one, `false` how often one began.
    """

    delays: tuple[int | None, ...]
    calm: int
    falsely_on: int
    false: int


def alarms(marks: Sequence[bool], turns: Sequence[int]) -> Alarms:
    """Judge the marks of one detector, one for each task."""
    ends = (*turns[1:], len(marks)) if turns else ()
    delays = tuple(
        next((place - turn for place in range(turn, end) if marks[place]), None)
        for turn, end in zip(turns, ends, strict=True)
    )
    calm = [place for place in range(WARM_UP, len(marks)) if not any(turn <= place < turn + SETTLING for turn in turns)]
    began = [place for place in calm if marks[place] and (place in (0, WARM_UP) or not marks[place - 1])]
    return Alarms(delays=delays, calm=len(calm), falsely_on=sum(marks[place] for place in calm), false=len(began))
