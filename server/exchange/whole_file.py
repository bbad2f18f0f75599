"""Writing a file of any length whole or not at all: beside it first, then in its place."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fleetlore.server.clients.files import target_of
from fleetlore.storage.errors import FileRefused


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Gives a file to write; after the block it stands at `path`, or at what that links to, with the mode it had.

    Where the block raises, nothing has changed. Raises `FileRefused` where it cannot be written.
    """
    target = target_of(path)
    beside = target.with_name(f".{target.name}.fleetlore-{os.getpid()}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                if target.exists():
                    os.fchmod(handle, stat.S_IMODE(target.stat().st_mode))
                yield file
                file.flush()
                os.fsync(handle)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FileRefused(path, None, f"it cannot be written: {reason}", "Choose another file") from error
