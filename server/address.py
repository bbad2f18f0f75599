"""The address of a server, as people and settings give it, and the token for it."""

import os
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from fleetlore.storage.errors import Refusal

_UNWRITTEN = re.compile(r"[\s\x00-\x1f\x7f\"<>\\]")


def address_of(url: str, option: str = "--url") -> SplitResult:
    """The parts of an address over HTTP. Raises `Refusal` of that option, without the address: it may hold a secret."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that are none
        usable = False
    if not usable or _UNWRITTEN.search(url):
        raise Refusal(option, "this is no address of a server", "Give one such as https://memory.example.com/mcp")
    return parts


def token_in(variable: str, environ: Mapping[str, str] = os.environ) -> str:
    """The token that a variable holds, "" without one. Raises `Refusal`, which does not repeat it."""
    token = environ.get(variable, "").strip()
    if not (token.isascii() and token.isprintable()):  # a header would show it in its error
        raise Refusal("--token-env", f"what {variable} holds is no token", "Put the token alone into the variable")
    return token
