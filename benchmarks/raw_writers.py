"""A process that writes to a bare store as often as it is told, for `writers.py`; prints what each write took."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

TEXT = "x" * 1_000
DIMENSIONS = 256


def sqlite(folder: Path) -> Callable[[int], None]:
    """Commits of one row, each synced, as many processes as like taking turns."""
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None, timeout=60)
    for statement in (
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "CREATE TABLE IF NOT EXISTS t (x TEXT)",
    ):
        connection.execute(statement)

    def write(_: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t VALUES (?)", (TEXT,))
        connection.execute("COMMIT")

    return write


def lancedb(folder: Path) -> Callable[[int], None]:
    """Rows added one by one to a table, under a file lock."""
    import lancedb as library  # noqa: PLC0415  a second, which the other store need not wait
    import pyarrow as pa  # noqa: PLC0415
    from filelock import FileLock  # noqa: PLC0415

    lock = FileLock(folder / "write.lock")
    schema = pa.schema([("id", pa.int64()), ("text", pa.string()), ("vector", pa.list_(pa.float32(), DIMENSIONS))])
    with lock:
        table = library.connect(str(folder / "spaces")).create_table("t", schema=schema, exist_ok=True)

    def write(number: int) -> None:
        with lock.acquire(poll_interval=0.003):
            table.add([{"id": number, "text": TEXT, "vector": [0.5] * DIMENSIONS}])

    return write


def main(store: str, folder: str, writes: str) -> None:
    write = {"sqlite": sqlite, "lancedb": lancedb}[store](Path(folder))
    print("ready", flush=True)
    sys.stdin.readline()
    taken = []
    for number in range(int(writes)):
        began = time.perf_counter()
        write(number)
        taken.append((time.perf_counter() - began) * 1000)
    print(json.dumps(taken))


if __name__ == "__main__":
    main(*sys.argv[1:])
