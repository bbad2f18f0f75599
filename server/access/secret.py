"""The text of a token: `flt_<public id>_<secret>`. Whoever has it is the agent; nothing here is kept or logged."""

import hashlib
import re
import secrets

from fleetlore.storage.identifiers import TokenId

PREFIX = "flt_"
_SECRET_BYTES = 32
_FORM = re.compile(r"flt_([0-9a-z]{20})_[A-Za-z0-9_-]{43}")
_ID = re.compile(r"(?:t_|flt_)([0-9a-z]{20})(?:_.*)?")


def new_text(token: TokenId) -> str:
    """A new token's text, with 256 random bits."""
    return f"{PREFIX}{token.removeprefix('t_')}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def id_in(text: str) -> TokenId | None:
    """The public id in the text of a token; None where it is not formed like one."""
    found = _FORM.fullmatch(text)
    return TokenId(f"t_{found[1]}") if found else None


def id_named(text: str) -> TokenId | None:
    """The id that somebody names, be it by the whole token; None where it is not formed like one."""
    found = _ID.fullmatch(text.strip())
    return TokenId(f"t_{found[1]}") if found else None


def hash_of(text: str) -> str:
    """By what a token is known: SHA-256 in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
