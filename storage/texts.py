"""Whether a text stands in what the ledger holds: in JSON among its values, in any case."""

import json
import unicodedata
from collections.abc import Iterator


def folded(text: str) -> str:
    """A text as it is compared: without case, composed."""
    return unicodedata.normalize("NFC", text).casefold()


def strings_of(value: object) -> Iterator[str]:
    """Every text in a JSON value, without the names of its fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from strings_of(one)
    elif isinstance(value, dict):
        yield from strings_of(list(value.values()))


def holds(stored: str, wanted: str) -> bool:
    """Whether the folded text `wanted` stands in a column, which is JSON or plain text. Known to SQLite by its name."""
    try:
        value = json.loads(stored) if stored[:1] in ("{", "[") else stored
    except ValueError:
        value = stored
    return any(wanted in folded(text) for text in strings_of(value))
