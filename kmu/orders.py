"""The forms that orders to a reading agent take, read from `orders.toml`, each kind as one pattern."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
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


_READ = tomllib.loads((files("fleetlore.kmu") / "orders.toml").read_text("utf-8"))
_FRAGMENTS: dict[str, str] = _READ["fragments"]


def _filled(form: str) -> str:
    """A form with its fragments in it, which may have fragments in them."""
    for name, fragment in reversed(_FRAGMENTS.items()):
        form = form.replace(f"{{{name}}}", fragment)
    return form


def _any_of(forms: Iterable[str]) -> str:
    return "|".join(f"(?:{_filled(form)})" for form in forms)


# Of texts that are folded; those that are squashed have only letters left.
ORDERS = re.compile(
    _ORDERED + f"(?:{folded(_any_of(form for kind in _READ['orders'].values() for form in kind)).replace(' ', _GAP)})"
)
UNSPACED = re.compile(folded(_any_of(_READ["unspaced"]["any"])))
SQUASHED = re.compile(_any_of(_READ["squashed"]["any"]))
# Of texts in lower case.
TURNS = re.compile(_any_of(_READ["turns"]["any"]))
CALLS = re.compile(_any_of(_READ["calls"]["any"]))
REMOTE = re.compile(_any_of(_READ["remote"]["any"]))
