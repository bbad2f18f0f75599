"""Writing a file whole or not at all: beside it first, then in its place."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from fleetlore.storage.errors import FileRefused

_NEW_FILE = 0o666


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Gives a file to write; after the block it stands at `path`, or at what that links to, with mode and owner it had.

    Where the block raises, nothing has changed. Raises `FileRefused` where it cannot be written.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode & 0o7777 if target.exists() else _NEW_FILE & ~_umask()
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise _refused(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _keep_owner(target, Path(name))
        Path(name).chmod(mode)
        Path(name).replace(target)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        with suppress(FileNotFoundError):  # where all went well it has become the file
            Path(name).unlink()


def _keep_owner(old: Path, new: Path) -> None:
    if old.exists():
        was, now = old.stat(), new.stat()
        if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
            os.chown(new, was.st_uid, was.st_gid)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _refused(path: Path, error: OSError) -> FileRefused:
    reason = (error.strerror or str(error)).lower()
    return FileRefused(path, None, f"it cannot be written ({reason})", "See who may change it, or choose another file")
