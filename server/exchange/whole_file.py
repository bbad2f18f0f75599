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
    """Gives a file to write; after the block it stands at `path`, or at what that links to, with the mode it had.

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
        Path(name).chmod(mode)
        Path(name).replace(target)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        with suppress(FileNotFoundError):  # where all went well it has become the file
            Path(name).unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _refused(path: Path, error: OSError) -> FileRefused:
    reason = (error.strerror or str(error)).lower()
    return FileRefused(path, None, f"it cannot be written ({reason})", "Choose another file")
