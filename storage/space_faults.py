"""The knowledge spaces' faults: LanceDB tells most of them in words alone, which become our errors here."""

import random
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio

from fleetlore.storage.errors import DiskRefuses, SpacesDamaged, StorageFault, StorageFull

ResultT = TypeVar("ResultT")

_FULL = ("No space left", "File too large", "quota exceeded", "os error 28", "os error 27", "os error 122")
_READ_ONLY = ("Permission denied", "Read-only file system", "os error 13", "os error 30")
_SOURCE = re.compile(r",? /\S+\.rs:\d+:\d+.*", re.DOTALL)  # where LanceDB's own source noticed it
_ATTEMPTS = 12


@contextmanager
def our_errors() -> Iterator[None]:
    """To be held around what LanceDB is asked: tells its faults as ours.

    Whoever is cancelled meanwhile waits for its answer. What a question that is broken off had begun to load, every
    later one would wait for without end.
    """
    try:
        with anyio.CancelScope(shield=True):
            yield
    except (OSError, RuntimeError, ValueError) as error:
        said = str(error)
        if any(sign in said for sign in _FULL):
            raise StorageFull from error
        reason = _SOURCE.sub("", said).partition("\n")[0][:300].rstrip(". ")
        if any(sign in said for sign in _READ_ONLY):
            raise DiskRefuses(reason) from error
        if "conflict" in said.lower():
            raise StorageFault("knowledge space", reason) from error
        raise SpacesDamaged(reason) from error


async def retried(operation: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Tries again, with jitter, what LanceDB refuses because another commit came between."""
    for attempt in range(_ATTEMPTS):
        try:
            with anyio.CancelScope(shield=True):
                return await operation()
        except (OSError, RuntimeError, ValueError) as error:
            if "conflict" not in str(error).lower() or attempt == _ATTEMPTS - 1:
                with our_errors():
                    raise
        await anyio.sleep(random.uniform(0.01, 0.05) * (attempt + 1))
    raise AssertionError("unreachable: the last attempt returns or raises")
