"""Packing: JSON that is seldom read, in few bytes. Both functions are known to SQLite by their names."""

import zlib


def packed(text: str) -> bytes:
    """A text in few bytes."""
    return zlib.compress(text.encode())


def unpacked(details: bytes | None) -> str | None:
    """The inverse of `packed`; nothing of nothing."""
    return None if details is None else zlib.decompress(details).decode()
