"""Writing a file of any length whole or not at all: beside it first, then in its place."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Gives a file to write; after the block it stands in the place of `path`, with the mode and owner that had.

    Where the block raises, nothing has changed. Raises `OSError`; follows no symbolic link.
    """
    beside = path.with_name(f".{path.name}.fleetlore-{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            _keep_owner(path, handle)
            yield file
            file.flush()
            os.fsync(handle)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _keep_owner(path: Path, handle: int) -> None:
    """Gives a new file the owner and mode of the one it replaces, before anything is in it."""
    if not path.exists():
        return
    old, new = path.stat(), os.fstat(handle)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(handle, old.st_uid, old.st_gid)
    os.fchmod(handle, stat.S_IMODE(old.st_mode))
