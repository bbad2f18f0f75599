"""Reading and writing files that belong to somebody else: whole or not at all, and only as they were when read."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from fleetlore.server.whole_file import replacing
from fleetlore.storage.errors import FileRefused

_LARGEST = 32 * 1024 * 1024


def target_of(path: Path) -> Path:
    """The file behind symbolic links: the links stay, what they lead to is changed."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # links that lead in a circle
        raise FileRefused(path, None, "its symbolic links lead nowhere", "Mend or remove them") from None


def read(path: Path) -> bytes | None:
    """What is in a file; None where there is none."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise FileRefused(path, None, "this is not a file", "Move it away and try again")
        if found.st_size > _LARGEST:
            raise FileRefused(path, None, "this is too large for a file of settings", "See what has written it")
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(path, "read", error) from None


def text_of(path: Path, content: bytes | None) -> str:
    """The content as text, with its byte order mark and line endings; "" for a file that does not exist."""
    try:
        return (content or b"").decode()
    except UnicodeDecodeError as error:
        line = (content or b"")[: error.start].count(b"\n") + 1
        raise FileRefused(path, line, "this is not UTF-8 text", "Save the file as UTF-8 and try again") from None


def check_writable(path: Path) -> None:
    """Refuses a file that we may not or should not change: read-only, or owned by somebody else."""
    folder = next(each for each in path.parents if each.exists())
    for each, what in ((path, "file"), (folder, "folder")):
        if not each.exists():
            continue
        found = each.stat()
        if each == folder and not stat.S_ISDIR(found.st_mode):
            raise FileRefused(path, None, f"{folder} is not a folder", "Move it away and try again")
        if each == path and found.st_uid != os.geteuid() != 0:
            raise FileRefused(
                path, None, "another user owns it, so somebody else manages it", "Ask them to add fleetlore"
            )
        if not found.st_mode & stat.S_IWUSR or not os.access(each, os.W_OK):
            raise FileRefused(path, None, f"the {what} is read-only", f"Make the {what} writable, then try again")


def write(path: Path, content: bytes, expected: bytes | None) -> list[Path]:
    """Puts that content into the file if it still holds what is expected; returns the folders made for it.

    The file keeps its mode and owner, and holds either the old content or the new at every moment.
    """
    made = [each for each in path.parents if not each.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(content)
            _expect(path, expected)
    except OSError as error:
        raise _refused(path, "written", error) from None
    return made


def remove(path: Path, expected: bytes) -> None:
    """Removes the file if it still holds what is expected."""
    _expect(path, expected)
    try:
        path.unlink()
    except OSError as error:
        raise _refused(path, "removed", error) from None


def remove_empty(folders: Iterable[Path]) -> None:
    """Removes those of the folders in which nothing is left."""
    for folder in sorted(set(folders), key=lambda each: len(each.parts), reverse=True):
        try:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        except OSError as error:
            raise _refused(folder, "removed", error) from None


def _expect(path: Path, expected: bytes | None) -> None:
    if read(path) != expected:
        raise FileRefused(path, None, "something else has changed it just now", "Try again")


def _refused(path: Path, act: str, error: OSError) -> FileRefused:
    reason = (error.strerror or str(error)).lower()
    return FileRefused(path, None, f"it cannot be {act}: {reason}", "See who may change it, then try again")
