"""The forms that orders to a reading agent take, read from `orders.toml`, each kind as one pattern."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_GAP = r"(?:\W{1,3})"
_UNBOUNDED = re.compile(r"(?P<what>\\[sSwd]|\[(?:\\.|[^\]\\])+\])(?P<times>[*+])")
_MOST = {r"\s": 8, r"\S": 200, r"\w": 40, r"\d": 40}
_MOST_OF_A_SET = 300
# "Never ignore previous instructions" orders nothing.
_ORDERED = r"\b(?<!never )(?<!not )(?<!n't )(?<!cannot )(?<!without )"


def folded(text: str) -> str:
    """The text but for case and accents, in compatibility form."""
    return text.casefold() if text.isascii() else _unaccented(unicodedata.normalize("NFKC", text).casefold())


def _unaccented(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(one for one in parts if unicodedata.category(one) != "Mn"))


def words_of(text: str) -> str:
    """The text with its words apart where only an underscore is between them."""
    return text.replace("_", " ")


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
        orders=re.compile(f"{_ORDERED}(?:{words_of(_unaccented(either['orders'])).replace(' ', _GAP)})", re.DOTALL),
        unspaced=re.compile(_unaccented(either["unspaced"])),
        squashed=re.compile(either["squashed"]),
        turns=re.compile(either["turns"]),
        calls=re.compile(either["calls"]),
        remote=re.compile(either["remote"]),
    )


def _filled(form: str, fragments: Mapping[str, str]) -> str:
    """A form with its fragments in it, which may have earlier fragments in them."""
    for name, fragment in reversed(list(fragments.items())):
        form = form.replace(f"{{{name}}}", fragment)
    return _UNBOUNDED.sub(_bounded, form)


def _bounded(found: re.Match[str]) -> str:
    """A repetition with an end, so that no text takes long: the time is then in proportion to its length."""
    least = 0 if found["times"] == "*" else 1
    return f"{found['what']}{{{least},{_MOST.get(found['what'], _MOST_OF_A_SET)}}}"
