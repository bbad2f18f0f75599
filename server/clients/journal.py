"""What we have written into which file, and what the file was before: the way back to the byte.

The journal is a help, not a need: without it, what is ours is still found and taken out of the files themselves.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, Field, ValidationError

from fleetlore.server.clients.files import read, write
from fleetlore.storage.errors import FileRefused


class WrittenPart(BaseModel, frozen=True, extra="forbid"):
    """One part in a file: the digest of its form as we wrote it, and for which clients."""

    digest: str
    clients: tuple[str, ...]


class WrittenFile(BaseModel, frozen=True, extra="forbid"):
    """One file: the digest of all of it as we left it, and where what it was before is kept.

    `former` is the name of a backup, "" where there was no file, and None where it is not known.
    """

    digest: str
    former: str | None
    parts: dict[str, WrittenPart]


class _Journal(BaseModel, frozen=True, extra="forbid"):
    files: dict[str, WrittenFile] = Field(default_factory=dict)
    folders: tuple[str, ...] = ()


class Journal:
    """The journal in a folder of ours, and the backups beside it. Only one process at a time changes files."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self._folder = folder
        self._now = now
        self._path = folder / "journal.json"
        self._held = _Journal()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Holds the lock and reads what is there."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self._folder / "journal.lock"):
            self.look()
            yield

    def look(self) -> None:
        """Reads what is there, without the right to change it."""
        content = read(self._path)
        if content is None:
            return
        try:
            self._held = _Journal.model_validate_json(content)
        except ValidationError:
            remedy = "Move it away; what fleetlore wrote is then told from the files themselves"
            raise FileRefused(self._path, None, "it is damaged, or from another version", remedy) from None

    def of(self, path: Path) -> WrittenFile | None:
        """What is known of a file."""
        return self._held.files.get(str(path))

    @property
    def folders(self) -> set[Path]:
        """The folders that were made for files."""
        return set(map(Path, self._held.folders))

    def former(self, written: WrittenFile) -> tuple[bool, bytes | None]:
        """Whether it is known what the file was before, and what: None where there was no file."""
        if not written.former:
            return written.former == "", None
        content = read(self._backups / written.former)
        return content is not None, content

    def backup_of(self, path: Path) -> str:
        """The name under which a file would be kept now."""
        return f"{self._now:%Y%m%dT%H%M%S.%fZ}-{digest(str(path))[:8]}-{path.name}"

    def back_up(self, path: Path, content: bytes) -> Path:
        """Keeps what a file holds; returns where."""
        where = self._backups / self.backup_of(path)
        self._backups.mkdir(parents=True, exist_ok=True, mode=0o700)
        where.touch(mode=0o600)  # a client's file may hold secrets of other servers
        write(where, content, b"")
        return where

    def remember(self, path: Path, written: WrittenFile | None) -> None:
        """Notes what is now known of a file; None: nothing of ours is in it any more."""
        files = {name: each for name, each in self._held.files.items() if name != str(path)}
        self._keep({"files": {**files, str(path): written} if written else files})

    def remember_folders(self, folders: Iterable[Path]) -> None:
        """Notes which folders that were made for files are there."""
        told = tuple(sorted(map(str, folders)))
        if told != self._held.folders:
            self._keep({"folders": told})

    def _keep(self, update: Mapping[str, object]) -> None:
        before = read(self._path)
        self._held = self._held.model_copy(update=update)
        write(self._path, self._held.model_dump_json(indent=1).encode(), before)

    @property
    def _backups(self) -> Path:
        return self._folder / "backups"


def digest(text: str | bytes) -> str:
    """A short name for a content."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()
