"""Disguise: a text as whoever copies out of it would have it, without what is not seen and in plain letters. Pure.

A token with zero-width characters between its letters, or in letters of full width, is still a token.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_NOT_PLAIN = re.compile(r"[^\t\n\r -~]")
_SELECTORS = re.compile("[\u034f\u115f\u1160\u180b-\u180d\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Undisguised:
    """The text without disguise, and where each of its characters stood in the original."""

    text: str
    places: list[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where in the original a span of the text stands, with what was hidden inside it."""
        return self.places[start], self.places[end - 1] + 1


def undisguised(text: str) -> Undisguised | None:
    """The text without disguise; None where it has none."""
    parts: list[str] = []
    places: list[int] = []
    reached = 0
    for found in _NOT_PLAIN.finditer(text):
        plain = _plain(found.group())
        if plain == found.group():
            continue
        start = found.start()
        parts += [text[reached:start], plain]
        places += range(reached, start)
        places += [start] * len(plain)
        reached = found.end()
    if not reached:
        return None
    parts.append(text[reached:])
    places += range(reached, len(text))
    return Undisguised(text="".join(parts), places=places)


@lru_cache(maxsize=4096)
def _plain(one: str) -> str:
    """What a character passes for: nothing where it is not seen, the plain letter or mark that it is a form of."""
    if unicodedata.category(one) in ("Cc", "Cf") or _SELECTORS.match(one):
        return ""
    plain = unicodedata.normalize("NFKC", one)
    return plain if len(plain) == 1 and plain.isascii() else one
