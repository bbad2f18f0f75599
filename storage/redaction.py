"""Redaction: secrets are taken out of a text before anybody embeds, stores or logs it. Pure.

What is taken out leaves a mark that says what it was. A redacted text is redacted: doing it again changes nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fleetlore.storage.disguise import undisguised

# The version of what is looked for: what was stored under an earlier one is looked through when it is read.
SCREENING = 1

_MARK = re.compile(r"\[redacted(?:: [a-z0-9]{1,16}(?: [a-z0-9]{1,16}){0,7})?\]")
_PASSES = 8
_TELLING = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Redacted:
    """A text without its secrets, what these were and of which kinds; the same object where there were none."""

    text: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    kinds: tuple[str, ...] = ()


def redact(text: str, *, at_once: bool = False) -> Redacted:
    """The text with a mark in the place of each secret.

    `at_once`: what is written to a log or a terminal does not wait for the rules to be loaded.
    """
    from fleetlore.storage.known_keys import rules_are_loaded  # noqa: PLC0415  commands that only read start without it

    if len(text) < 4:
        return Redacted(text=text)
    by_rules = not at_once or rules_are_loaded()
    taken: list[str] = []
    kinds: list[str] = []
    for _ in range(_PASSES):
        spans = _apart(_found(text, by_rules=by_rules), text)
        if not spans:
            return Redacted(text=text, secrets=tuple(taken), kinds=tuple(kinds))
        found = [text[start:end] for start, end, _ in spans]
        taken += found
        kinds += [kind for _, _, kind in spans]
        text = cut(_marked(text, spans), found)
    return Redacted(
        text="[redacted]", secrets=tuple(taken), kinds=tuple(kinds)
    )  # a text that makes secrets of its marks


def cut(text: str, secrets: Iterable[str]) -> str:
    """The text without what was found to be a secret elsewhere, but for what is short enough to be a word."""
    for secret in sorted({one for one in secrets if len(one) >= _TELLING and not one.isalpha()}, key=len, reverse=True):
        text = text.replace(secret, "[redacted]")
    return text


def redact_all(value: Any) -> Any:  # noqa: ANN401  any JSON value
    """A JSON value with every text in it redacted."""
    match value:
        case str():
            return redact(value).text
        case dict():
            return {name: redact_all(one) for name, one in value.items()}
        case list():
            return [redact_all(one) for one in value]
        case _:
            return value


def _found(text: str, *, by_rules: bool) -> Iterator[tuple[int, int, str]]:
    """Where secrets stand, also disguised ones; spans may overlap."""
    from fleetlore.storage.credentials import credentials  # noqa: PLC0415  see above
    from fleetlore.storage.known_keys import known_keys  # noqa: PLC0415

    if by_rules:
        yield from known_keys(text)
    yield from credentials(text)
    if (plain := undisguised(text)) is not None:
        for start, end, kind in _found(plain.text, by_rules=by_rules):
            yield *plain.original(start, end), kind


def _apart(spans: Iterable[tuple[int, int, str]], text: str) -> Sequence[tuple[int, int, str]]:
    """Spans in order, joined where they overlap, without what is a mark already."""
    marks = [match.span() for match in _MARK.finditer(text)]
    behind = [end for _, end in marks]
    found: list[tuple[int, int, str]] = []
    for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
        place = bisect_right(behind, start)
        if start >= end or (place < len(marks) and marks[place][0] < end):
            continue
        if found and start < found[-1][1]:
            earlier = found[-1]
            found[-1] = (earlier[0], max(end, earlier[1]), earlier[2])
        else:
            found.append((start, end, kind))
    return found


def _marked(text: str, spans: Sequence[tuple[int, int, str]]) -> str:
    parts: list[str] = []
    reached = 0
    for start, end, kind in spans:
        parts += [text[reached:start], f"[redacted: {kind}]" if kind else "[redacted]"]
        reached = end
    return "".join((*parts, text[reached:]))
