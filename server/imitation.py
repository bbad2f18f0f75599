"""Imitation: names that people take for another's. Two agents whose names look alike can be told apart by nobody."""

import re
import unicodedata
from collections.abc import Iterable

# Cyrillic and Greek letters, in lower case, that are drawn as Latin ones; then what is drawn alike in Latin itself.
_DRAWN_ALIKE = str.maketrans("аеһіјѕрсухкмтвнгԛԝӏоαεικνορτυχγωβη1i|!0", "aehljspcyxkmtbhrqwloaelkvoptuxywbnllllo")
_DRAWN_TOGETHER = (("rn", "m"), ("vv", "w"))
# Between two digits a separator tells something: agent-1-1 is not agent-11.
_SEPARATORS = re.compile(r"(?<![0-9])[-._@\s]+|[-._@\s]+(?![0-9])")


def imitated(name: str, known: Iterable[str]) -> str | None:
    """The first of the known names that this other name is easily taken for, by case, letters or separators."""
    shape = _shape(name)
    return next((other for other in known if other != name and _shape(other) == shape), None)


def _shape(name: str) -> str:
    """What is left of a name at a glance: equal for names that look alike."""
    letters = unicodedata.normalize("NFKD", _SEPARATORS.sub("", name)).casefold()
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter)).translate(_DRAWN_ALIKE)
    for drawn, seen in _DRAWN_TOGETHER:
        plain = plain.replace(drawn, seen)
    return plain
