"""Somebody else's Markdown and HTML in a form in which a viewer loads nothing. Pure."""

import re

_ACTIVE = re.compile(
    r"(?P<image>!)(?=\[[^\]]*\](?:\(|\s?\[))"
    r"|(?<!\\)<(?=/?\s*(?:img|i?frame|script|embed|object|video|audio|source|link|base|form|svg|image|meta|input|picture|"
    r"track|portal|style|applet|table|body)\b)"
    r"|\](?=\(\s*<?\s*(?:javascript|vbscript|data|file):)",
    re.IGNORECASE,
)


def inert(text: str) -> str:
    r"""The text with a backslash where an image, an element that loads, or a link that runs something begins."""
    if "<" not in text and "[" not in text:
        return text
    return _ACTIVE.sub(lambda found: "!\\" if found["image"] else f"\\{found.group()}", text)
