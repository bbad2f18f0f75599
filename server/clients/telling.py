"""What a person is told of a plan: the files by name, and as a difference that shows nothing but our change."""

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from fleetlore.server.clients.installing import Change, Plan
from fleetlore.server.clients.machine import Machine

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def summary(plan: Plan, kept: Mapping[Path, Path], *, dry_run: bool) -> dict[str, Any]:
    """A plan as a JSON value."""
    files = []
    for change in plan.changes:
        told: dict[str, Any] = {"path": str(change.path), "act": change.act}
        if change.path in kept:
            told["backup"] = str(kept[change.path])
        if dry_run:
            told["diff"] = "\n".join(difference(change))
        files.append(told)
    return {"files": files, "notes": list(plan.notes), "dry_run": dry_run}


def lines(found: Mapping[str, Any], machine: Machine) -> Iterator[str]:
    """The summary for people."""
    for file in found["files"]:
        backup = f" (as it was: {short(file['backup'], machine)})" if "backup" in file else ""
        act = f"would be {file['act']}" if found["dry_run"] and file["act"] != "unchanged" else file["act"]
        yield f"  {act:<10} {short(file['path'], machine)}{backup}"
        for line in file.get("diff", "").splitlines():
            yield "    " + (click.style(line, fg=_COLOURS[line[0]]) if line[:1] in _COLOURS else line)
    for note in found["notes"]:
        yield f"  note: {short(note, machine)}"


def short(text: str, machine: Machine) -> str:
    """Paths in the home folder, as people write them."""
    return text.replace(f"{machine.home}{os.sep}", f"~{os.sep}")


def difference(change: Change) -> list[str]:
    """What changes in a file, without what stands around it: that may hold secrets of others."""
    before, after = (_rows(content) for content in (change.before, change.after))
    head = _alike(before, after)
    tail = _alike(before[head:][::-1], after[head:][::-1])
    before, after = before[head : len(before) - tail], after[head : len(after) - tail]
    rows: list[str] = []
    for tag, start, stop, begin, end in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            old, new = _only_what_differs("\n".join(before[start:stop]), "\n".join(after[begin:end]))
            rows.append(f"@@ line {head + start + 1} @@")
            rows += [f"-{line}" for line in old.split("\n") if old] + [f"+{line}" for line in new.split("\n") if new]
    return rows


def _rows(content: bytes | None) -> list[str]:
    return (content or b"").decode().splitlines()


def _only_what_differs(old: str, new: str) -> tuple[str, str]:
    """Two versions of some lines; where one replaces the other, without what they begin and end with alike."""
    if not old or not new:
        return old, new
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    left, right = "…" if head else "", "…" if tail else ""
    pieces = [text[head : len(text) - tail] for text in (old, new)]
    return pieces[0] and left + pieces[0] + right, pieces[1] and left + pieces[1] + right


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many of their first members are the same."""
    return next(
        (place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
