"""Whether an open file is still the one at its path: SQLite goes on writing into one that was removed, in silence."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Footing:
    """What tells a file from another at the same path; `state` also its contents, where nobody tells of a change."""

    device: int
    inode: int
    state: tuple[int, ...] = ()


def footing(path: Path, *, unchanging: bool = False) -> Footing | None:
    """The file at a path, None where there is none; with `unchanging` also a change of it makes a difference."""
    try:
        found = os.stat(path)  # noqa: PTH116  called around every commit: half the price of the path's own
    except (FileNotFoundError, NotADirectoryError):
        return None
    state = (found.st_size, found.st_mtime_ns, log_of(path).exists()) if unchanging else ()
    return Footing(device=found.st_dev, inode=found.st_ino, state=state)


def may_only_read(path: Path) -> bool:
    """Whether this process may read a file that is there, and not write it and what SQLite keeps beside it."""
    return path.is_file() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK))


def log_of(path: Path) -> Path:
    """SQLite's write-ahead log beside a database."""
    return path.with_name(f"{path.name}-wal")
