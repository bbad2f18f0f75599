"""All that a memory leaves behind: files, tables, logs, exports and what it says of itself, after secrets were sent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import lancedb
from connection import Connection, Transport, connect
from planted import Planted
from process import environment, log_of

_REPORTED = ("task", "reasoning", "insight", "applies_when", "output", "expected")


async def whole_memory(transport: Transport, folder: Path, sample: Sequence[Planted]) -> tuple[str, int]:
    """Sends each text of the sample by several ways; returns what is left as one text, and how much was redacted."""
    data = folder / "data"
    redacted = 0
    async with connect(transport, data) as connection:
        for number, one in enumerate(sample):
            redacted += await _sent(connection, number, one)
        left = json.dumps(await connection.read("fleetlore://general"), ensure_ascii=False)
        left += _bytes_of(data)  # with the write-ahead log, which goes when the last connection closes
    lessons = folder / "lessons.jsonl"
    rows = ({"insight": f"Mind this: {one.text}", "applies_when": f"import {n}"} for n, one in enumerate(sample))
    lessons.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    left += _command(data, "import", str(lessons), "--project", "p")
    left += _command(data, "add", f"Remember: {sample[0].text}")
    for command in (
        ["export"],
        ["status", "--json"],
        ["gaps", "--json"],
        ["report", "--json"],
        ["search", "mind this"],
    ):
        left += _command(data, *command)
    left += _bytes_of(data) + await _rows_of(data)
    log = log_of(data)
    return left + (log.read_text(errors="replace") if log.exists() else ""), redacted


async def _sent(connection: Connection, number: int, one: Planted) -> int:
    texts = {name: f"{name} {number}: {one.text}" for name in _REPORTED}
    asked = await connection.call(
        "retrieve_knowledge", {"task": f"ask {number}: {one.text}", "agent": f"a{number % 5}"}
    )
    report = {**texts, "agent": f"a{number % 5}", "receipt": asked["receipt"], "outcome": "failure"}
    answer = await connection.call("submit_feedback", report)
    return int(answer.get("redacted", 0))


def _command(data: Path, *arguments: str) -> str:
    line = [sys.executable, "-m", "fleetlore.server", *arguments, "--data", str(data)]
    done = subprocess.run(line, capture_output=True, env=environment() | {"FLEETLORE_AGENT": "a0"}, check=True)
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def _bytes_of(data: Path) -> str:
    return "".join(file.read_bytes().decode("latin-1") for file in sorted(data.rglob("*")) if file.is_file())


async def _rows_of(data: Path) -> str:
    """What the knowledge spaces hold, which compress it on disk."""
    spaces = await lancedb.connect_async(await anyio.Path(data / "spaces").absolute())
    tables = [await spaces.open_table(name) for name in (await spaces.list_tables()).tables]
    return "".join([json.dumps((await one.query().to_arrow()).to_pylist(), default=str) for one in tables])
