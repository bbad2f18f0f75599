"""The address of a server, as people and settings give it."""

import re
from urllib.parse import SplitResult, urlsplit

from fleetlore.storage.errors import Refusal

_UNWRITTEN = re.compile(r"[\s\x00-\x1f\x7f\"<>\\]")


def address_of(url: str) -> SplitResult:
    """The parts of an address over HTTP. Raises `Refusal`, which does not repeat it: it may hold a secret."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that are none
        usable = False
    if not usable or _UNWRITTEN.search(url):
        raise Refusal("--url", "this is no address of a server", "Give one such as https://memory.example.com/mcp")
    return parts
