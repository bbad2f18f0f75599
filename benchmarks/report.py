"""The result of a benchmark: a table for people, a JSON file for comparisons."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

LIBRARIES = ("fleetlore", "lancedb", "mcp", "numpy", "pyarrow", "wordllama")


def progress_bar() -> Progress:
    """Make a bar on stderr, so that redirected tables stay clean."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True))


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose first column names the rows and whose other columns are figures."""
    table = Table(title=title, title_justify="left")
    for place, name in enumerate(header):
        table.add_column(name, justify="right" if place else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    # A redirected table has no terminal to fit into: it must not be cut at a guessed width.
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(table)


def write_json(
    path: Path | None, *, benchmark: str, settings: Mapping[str, object], results: object, seconds: float
) -> None:
    """Write the whole result, with what is needed to compare it with another machine's. No path: nothing is written."""
    if path is None:
        return
    document = {
        "benchmark": benchmark,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": settings,
        "results": results,
        "elapsed_seconds": round(seconds, 1),
        "machine": machine(),
        "libraries": libraries(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whoever interrupts a long benchmark keeps the whole file that was there before.
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(json.dumps(document, indent=1, default=str) + "\n", encoding="utf-8")
    unfinished.replace(path)


def machine() -> dict[str, object]:
    return {"cpus": os.cpu_count(), "python": platform.python_version(), "platform": platform.platform()}


def libraries() -> dict[str, str]:
    return {name: installed(name) for name in LIBRARIES}


def installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
