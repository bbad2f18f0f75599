"""The comparison agent, by rules: does an output meet what was expected, and if not, where does it first go wrong.

Tried in turn: exactly equal, equal but for spacing and case, equal as numbers, equal as JSON.
"""

import json
import math
import re
from collections.abc import Set
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

_RELATIVE = 1e-6
_ABSOLUTE = 1e-9
_QUOTED = 120
_LONGEST_INTEGER = 4_000
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """The output meets what was expected."""

    how: Literal["exactly", "but for spacing and case", "as a number", "as JSON"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberOff:
    """Both are numbers, too far apart."""

    output: float
    expected: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ValuesDiffer:
    """Both are JSON: paths that are missing, that were not expected, and whose values differ."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LineDiffers:
    """The first line, counted from 1, that differs; None where one text has ended."""

    number: int
    output: str | None
    expected: str | None


Comparison = Match | NumberOff | ValuesDiffer | LineDiffers


def compare(output: str, expected: str) -> Comparison:
    """Compares an output with what was expected."""
    if output == expected:
        return Match(how="exactly")
    if _folded(output) == _folded(expected):
        return Match(how="but for spacing and case")
    got, wanted = _number(output), _number(expected)
    if got is not None and wanted is not None:
        return Match(how="as a number") if _close(got, wanted) else NumberOff(output=got, expected=wanted)
    structures = _structure(output), _structure(expected)
    if None not in structures:
        with suppress(RecursionError):  # JSON deeper than Python's stack is compared as text
            return _compare_json(*structures)
    return _first_line(output, expected)


def describe(comparison: Comparison) -> str:
    """The comparison as one sentence."""
    match comparison:
        case Match(how=how):
            return f"The output meets what was expected, {how}."
        case NumberOff(output=output, expected=expected):
            return f"The output {output:g} is off by {output - expected:+g} from the expected {expected:g}."
        case ValuesDiffer(missing=missing, unexpected=unexpected, changed=changed):
            parts = [
                f"{name}: {', '.join(paths[:8])}"
                for name, paths in (("missing", missing), ("not expected", unexpected), ("different", changed))
                if paths
            ]
            return f"The output's JSON differs ({'; '.join(parts)})."
        case LineDiffers(number=number, output=output, expected=expected):
            return f"Line {number} differs: expected {_quote(expected)}, got {_quote(output)}."


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _number(text: str) -> float | None:
    bare = text.strip()
    try:
        number = float(bare.replace(",", "") if _GROUPED.fullmatch(bare) else bare)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _close(one: float, other: float) -> bool:
    try:
        return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE) or (math.isnan(one) and math.isnan(other))
    except OverflowError:  # an integer beyond the largest float
        return one == other


def _structure(text: str) -> dict[str, Any] | list[Any] | None:
    try:
        value = json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _integer(digits: str) -> int | str:
    """Python refuses to read integers of more digits than this; as text they still compare."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else digits


Path = tuple[str | int, ...]


def _leaves(value: Any, path: Path = ()) -> dict[Path, Any]:  # noqa: ANN401  JSON is of any type
    children: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    leaves: dict[Path, Any] = {}
    for key, child in children:
        leaves |= _leaves(child, (*path, key))
    return leaves or {path: value}


def _compare_json(output: Any, expected: Any) -> Match | ValuesDiffer:  # noqa: ANN401  JSON is of any type
    got, wanted = _leaves(output), _leaves(expected)
    difference = ValuesDiffer(
        missing=_named(wanted.keys() - got.keys()),
        unexpected=_named(got.keys() - wanted.keys()),
        changed=_named({path for path in got.keys() & wanted.keys() if not _same_leaf(got[path], wanted[path])}),
    )
    return Match(how="as JSON") if difference == ValuesDiffer(missing=(), unexpected=(), changed=()) else difference


def _named(paths: Set[Path]) -> tuple[str, ...]:
    return tuple(sorted(".".join(map(str, path)) for path in paths))


def _same_leaf(one: Any, other: Any) -> bool:  # noqa: ANN401  JSON is of any type
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return _close(one, other)
    return bool(one == other)


def _first_line(output: str, expected: str) -> LineDiffers:
    lines = zip_longest(output.splitlines(), expected.splitlines())
    for number, (got, wanted) in enumerate(lines, start=1):
        if got is None or wanted is None or _folded(got) != _folded(wanted):
            return LineDiffers(number=number, output=got, expected=wanted)
    return LineDiffers(number=1, output=output, expected=expected)


def _quote(line: str | None) -> str:
    if line is None:
        return "nothing"
    return repr(line if len(line) <= _QUOTED else f"{line[:_QUOTED]}…")
