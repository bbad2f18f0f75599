"""What came from somebody else, as it may be shown: everything in it is seen, and it loads nothing. Pure."""

import re
from typing import Any

from fleetlore.kmu.hidden import visible

_ACTIVE = re.compile(
    r"(?P<image>!)(?=\[[^\]]{0,1000}\](?:\(|\s?\[))"
    r"|(?<!\\)<(?=/?\s*(?:img|i?frame|script|embed|object|video|audio|source|link|base|form|svg|image|meta|input|picture|"
    r"track|portal|style|applet|table|body)\b)"
    r"|(?<!\\)\](?=\(\s*<?\s*(?:javascript|vbscript|data|file):)",
    re.IGNORECASE,
)


def harmless(text: str) -> str:
    """A text of somebody else as it may be shown: what is hidden is written out, and nothing is loaded."""
    return _inert(visible(text))


def all_harmless(found: Any) -> Any:  # noqa: ANN401  any JSON value
    """A JSON value whose texts are `harmless`."""
    if isinstance(found, str):
        return harmless(found)
    if isinstance(found, dict):
        return {all_harmless(name): all_harmless(value) for name, value in found.items()}
    return [all_harmless(value) for value in found] if isinstance(found, list | tuple) else found


def _inert(text: str) -> str:
    r"""The text with a backslash where an image, an element that loads, or a link that runs something begins."""
    if "<" not in text and "[" not in text:
        return text
    return _ACTIVE.sub(lambda found: "!\\" if found["image"] else f"\\{found.group()}", text)
