"""Files in a data directory that are not the ledger's or the spaces': what people kept there, backups, exports."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fleetlore.server.people.editing import KEPT
from fleetlore.storage.ledger import LEDGER_FILE
from fleetlore.storage.texts import folded

_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".7z")
_LARGEST = 256 << 20
_SHORTEST = 8  # a shorter text stands in many a file by chance
_MOST = 200  # a copy of the ledger that holds one of the texts holds the longest of them


@dataclass(frozen=True, kw_only=True, slots=True)
class Elsewhere:
    """Files that hold one of the texts, and files that cannot be looked through."""

    holding: tuple[Path, ...]
    unread: tuple[Path, ...]


def remove_kept(data: Path, erased: Iterable[str], needles: Iterable[str]) -> int:
    """Removes the texts that `fleetlore edit` kept for a person who could not use them, if they hold any of it."""
    subjects, removed = frozenset(erased), 0
    wanted = list(needles)
    for file in sorted((data / KEPT).glob("*.md")):
        if file.name.rpartition("-")[0] in subjects or _holds(file, wanted):
            file.unlink()
            removed += 1
    return removed


def look_through(data: Path, needles: Iterable[str]) -> Elsewhere:
    """Looks through every file in the data directory that is nobody's of ours."""
    holding, unread, wanted = [], [], list(needles)
    for file in sorted(_others(data)):
        if file.suffix.lower() in _PACKED or file.stat().st_size > _LARGEST:
            unread.append(file)
        elif _holds(file, wanted):
            holding.append(file)
    return Elsewhere(holding=tuple(holding), unread=tuple(unread))


def needles_of(text: str, texts: Iterable[str]) -> list[str]:
    """What to look for: the text that was named, or else the longest of those that were erased."""
    named = [text] if text else sorted({one for one in texts if len(one) >= _SHORTEST}, key=len)[-_MOST:]
    escaped = [json.dumps(one, ensure_ascii=ascii)[1:-1] for one in named for ascii in (True, False)]
    return sorted({folded(one.strip()) for one in (*named, *escaped)})


def _others(data: Path) -> Iterator[Path]:
    ours = {data / f"{LEDGER_FILE}{ending}" for ending in ("", "-wal", "-shm")}
    for file in data.rglob("*"):
        if file.is_file() and file not in ours and file.suffix != ".lock" and (data / "spaces") not in file.parents:
            yield file


def _holds(file: Path, needles: list[str]) -> bool:
    content = folded(file.read_bytes().decode("utf-8", "ignore"))
    return any(needle in content for needle in needles)
