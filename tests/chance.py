"""Secrets for tests, drawn when a test asks for them: no file of this repository holds anything that looks like one."""

import random
import string

BASE62 = string.ascii_letters + string.digits
_DRAWN = random.Random(5)


def chance(size: int) -> str:
    """Letters and digits drawn at random, of both cases from the start."""
    return "K7q" + "".join(_DRAWN.choice(BASE62) for _ in range(size - 3))


def digest(size: int) -> str:
    """Hexadecimal digits drawn at random."""
    return "".join(_DRAWN.choice("0123456789abcdef") for _ in range(size))


def key_block(sort: str = "RSA PRIVATE") -> str:
    """A key as PEM, cut into lines."""
    lines = "\n".join(chance(64) for _ in range(6))
    return f"-----BEGIN {sort} KEY-----\n{lines}\n-----END {sort} KEY-----"
