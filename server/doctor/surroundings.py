"""What the memory stands on: versions, the data directory, who may read and write it, its disk."""

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from fleetlore.server.doctor.finding import Finding, failure, warning, well
from fleetlore.server.status import shares_well
from fleetlore.storage.database import SQLITE_VERSION
from fleetlore.storage.mounts import Mounts

_LIBRARIES = ("lancedb", "mcp", "wordllama")
_LEAST_FREE = 200 << 20
_LITTLE_FREE = 2 << 30


def versions() -> Iterator[Finding]:
    """What is installed, and whether its SQLite may be shared by several processes."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    yield well("versions", f"fleetlore {version('fleetlore')}, Python {sys.version.split()[0]}, {libraries}")
    if shares_well(SQLITE_VERSION):
        yield well("SQLite", SQLITE_VERSION)
    else:
        yield warning(
            "SQLite",
            f"{SQLITE_VERSION} has a rare fault where several processes share one ledger",
            "Use a Python with SQLite 3.51.3 or later, or let one process serve all: fleetlore serve --transport http",
        )


def data_directory(data: Path, mounts: Mounts) -> Iterator[Finding]:
    """Whether the data directory is there, is this user's alone, lies on a local disk, and has room."""
    if not data.exists():
        yield warning("data directory", f"{data} does not exist yet", "Starting a server makes it: fleetlore serve")
        return
    if not data.is_dir():
        yield failure("data directory", f"{data} is a file", "Choose a folder with --data or FLEETLORE_DATA")
        return
    yield _permissions(data)
    if kind := mounts.network(data):
        yield failure(
            "disk",
            f"{data} lies on a network disk ({kind}), where locks between processes do not hold",
            "Move it to a local disk, and let one process serve other machines over HTTP",
        )
    yield _room(data)


def _permissions(data: Path) -> Finding:
    # What a server has removed since the folder was listed is nobody's trouble.
    locked = [path for path in (data, *data.iterdir()) if not os.access(path, os.R_OK | os.W_OK) and path.exists()]
    if locked:
        mend = f"chown -R $(id -un) '{data}'; chmod -R u+rwX '{data}'"
        return failure("permissions", f"{locked[0]} cannot be read and written by this user", f"Run: {mend}")
    if stat.S_IMODE(data.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        return warning(
            "permissions", f"other users of this machine can look into {data}", f"Run: chmod -R go= '{data}'"
        )
    return well("permissions", f"{data} is readable and writable by this user alone")


def _room(data: Path) -> Finding:
    free = shutil.disk_usage(data).free
    seen = f"{free / 1e9:,.1f} GB free in {data}"
    if free < _LEAST_FREE:
        return failure("disk", seen, "Free some space: writes are refused whole when the disk is full")
    if free < _LITTLE_FREE:
        return warning("disk", seen, "Free some space before it runs out: compaction needs some for a while")
    return well("disk", seen)
