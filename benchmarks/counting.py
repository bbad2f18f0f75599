"""What a data directory holds after a benchmark has written to it, as fleetlore's own commands tell it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from process import environment


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """The reports that bear out what is exported, how many reports there are in all, and what `check` finds wrong."""

    reports: frozenset[str]
    stored: int
    faults: tuple[str, ...]


def kept_in(data: Path) -> Kept:
    items = [json.loads(line) for line in told("export", data).splitlines()]
    findings = json.loads(told("check", data, "--json"))
    return Kept(
        reports=frozenset(report["id"] for item in items for report in item["reports"]),
        stored=json.loads(told("status", data, "--json"))["feedback"],
        faults=tuple(f"{one['subject']}: {one['seen']}" for one in findings if one["state"] not in ("ok", "warning")),
    )


def told(name: str, data: Path, *options: str) -> str:
    """What a command writes; `check` may end with 1."""
    line = [sys.executable, "-m", "fleetlore.server", name, "--data", str(data), *options]
    return subprocess.run(line, capture_output=True, env=environment(), check=False).stdout.decode()
