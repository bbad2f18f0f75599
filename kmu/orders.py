"""The forms that orders to a reading agent take, read from `orders.toml`, each kind as one pattern."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_GAP = r"[\W_]{1,3}"
# "Never ignore previous instructions" orders nothing.
_ORDERED = r"\b(?<!never )(?<!not )(?<!n't )(?<!cannot )(?<!without )"


def folded(text: str) -> str:
    """The text but for case and accents, in compatibility form."""
    if text.isascii():
        return text.casefold()
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(one for one in parts if unicodedata.category(one) != "Mn")


@dataclass(frozen=True, kw_only=True, slots=True)
class Patterns:
    """One pattern for each kind.

    `orders` and `unspaced` are for folded texts, `squashed` for those of which only the letters are left, the others
    for texts in lower case.
    """

    orders: re.Pattern[str]
    unspaced: re.Pattern[str]
    squashed: re.Pattern[str]
    turns: re.Pattern[str]
    calls: re.Pattern[str]
    remote: re.Pattern[str]


@cache
def patterns() -> Patterns:
    """The patterns; making them takes a tenth of a second, so that is done when they are first needed."""
    read = tomllib.loads((files("fleetlore.kmu") / "orders.toml").read_text("utf-8"))
    fragments: dict[str, str] = read.pop("fragments")
    forms = {kind: [form for group in groups.values() for form in group] for kind, groups in read.items()}
    either = {kind: "|".join(f"(?:{_filled(form, fragments)})" for form in forms[kind]) for kind in forms}
    return Patterns(
        orders=re.compile(f"{_ORDERED}(?:{folded(either['orders']).replace(' ', _GAP)})"),
        unspaced=re.compile(folded(either["unspaced"])),
        squashed=re.compile(either["squashed"]),
        turns=re.compile(either["turns"]),
        calls=re.compile(either["calls"]),
        remote=re.compile(either["remote"]),
    )


def _filled(form: str, fragments: Mapping[str, str]) -> str:
    """A form with its fragments in it, which may have earlier fragments in them."""
    for name, fragment in reversed(list(fragments.items())):
        form = form.replace(f"{{{name}}}", fragment)
    return form
