"""A block of ours in a text file that other people own too, such as `AGENTS.md`: lines between two markers.

The functions work on a file's whole text as decoded from UTF-8, with its line endings and byte order mark in it
(`data.decode()`, not `read_text`), and change nothing outside the block: taking out what was put in gives the text
as it was, to the character. Several blocks, each with a name, may live in one file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fleetlore.storage.errors import FileRefused, Refusal

BYTE_ORDER_MARK = "\ufeff"

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_MARKER = re.compile(
    r"\ufeff?[ \t]*<!-- *fleetlore:(?P<name>[a-z][a-z-]*) +(?P<edge>begin|end) *-->[ \t]*(?P<ending>[\r\n]*)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Marker:
    name: str
    edge: str
    line: int
    start: int
    stop: int
    ending: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Block:
    """Where one block lies: `start` before the begin marker's line, `stop` after the end marker's line."""

    start: int
    content_start: int
    content_stop: int
    stop: int
    newline: str


def put(text: str, name: str, content: str, path: Path) -> str:
    """The text with that content in the block: in its place where there is one, else at the end of the text.

    `path` is for the sentence in `FileRefused`, which says that the markers are damaged.
    """
    block = _find(text, name, path)
    newline = block.newline if block else common_newline(text)
    lines = content.rstrip("\r\n").splitlines()
    if any(_MARKER.fullmatch(line) for line in lines):
        raise Refusal("content", "it has a line that is a marker of a block itself", "Write that line in another way")
    inside = "".join(line + newline for line in lines)
    if block:
        return text[: block.content_start] + inside + text[block.content_stop :]
    return append_paragraph(text, f"{_marker(name, 'begin')}{newline}{inside}{_marker(name, 'end')}", newline)


def take_out(text: str, name: str, path: Path) -> str:
    """The text without the block, as it was before `put`; the text itself where there is no such block."""
    block = _find(text, name, path)
    return text if block is None else cut_paragraph(text, block.start, block.stop, block.newline)


def content_of(text: str, name: str, path: Path) -> str | None:
    """What stands in the block, with `\\n` at the end of each line; None where there is no such block."""
    block = _find(text, name, path)
    if block is None:
        return None
    return "".join(line + "\n" for line in text[block.content_start : block.content_stop].splitlines())


def blocks(text: str, path: Path) -> list[tuple[int, int]]:
    """The first and the last line of every block of ours, by whatever name, counted from 1; refuses damaged markers."""
    _find(text, "", path)
    lines = [marker.line for marker in _markers(text)]
    return list(zip(lines[::2], lines[1::2], strict=True))


def append_paragraph(text: str, paragraph: str, newline: str) -> str:
    """The text with a paragraph at its end, after a blank line; a text without a final newline stays one."""
    if text in ("", BYTE_ORDER_MARK):
        return text + paragraph + newline
    if text.endswith(("\r", "\n")):
        return text + newline + paragraph + newline
    return text + newline * 2 + paragraph


def cut_paragraph(text: str, start: int, stop: int, newline: str) -> str:
    """The text without the paragraph from start to stop, its last newline included: undoes `append_paragraph`."""
    before, after = text[:start], text[stop:]
    shorter = before.removesuffix(newline)
    if not text[:stop].endswith(("\r", "\n")):  # the text had no final newline: two were put in
        before = shorter.removesuffix(newline)
    elif shorter in ("", BYTE_ORDER_MARK) or shorter.endswith(("\r", "\n")):
        before = shorter
    return before + after


def common_newline(text: str) -> str:
    """The line ending that most lines of a text have."""
    windows = text.count("\r\n")
    counts = {"\n": text.count("\n") - windows, "\r\n": windows, "\r": text.count("\r") - windows}
    return max(counts, key=lambda ending: counts[ending])


def _marker(name: str, edge: str) -> str:
    return f"<!-- fleetlore:{name} {edge} -->"


def _find(text: str, name: str, path: Path) -> _Block | None:
    """The block of that name; refuses a text in which the markers of any block do not come in pairs."""
    found: _Block | None = None
    begin: _Marker | None = None
    for marker in _markers(text):
        if marker.edge == "begin":
            if begin is not None:
                raise _unclosed(begin, path)
            begin = marker
            continue
        if begin is None or begin.name != marker.name:
            raise FileRefused(
                path,
                marker.line,
                f"the marker {_marker(marker.name, 'end')} has no begin marker before it",
                f"Put {_marker(marker.name, 'begin')} on a line of its own where the block begins, or delete this line",
            )
        if marker.name == name:
            if found is not None:
                raise FileRefused(
                    path, begin.line, f"there is a second block fleetlore:{name}", "Delete one of the two blocks"
                )
            found = _Block(
                start=begin.start,
                content_start=begin.stop,
                content_stop=marker.start,
                stop=marker.stop,
                newline=begin.ending,
            )
        begin = None
    if begin is not None:
        raise _unclosed(begin, path)
    return found


def _unclosed(begin: _Marker, path: Path) -> FileRefused:
    return FileRefused(
        path,
        begin.line,
        f"the marker {_marker(begin.name, 'begin')} has no end marker after it",
        f"Put {_marker(begin.name, 'end')} on a line of its own where the block ends, or delete the block",
    )


def _markers(text: str) -> Iterator[_Marker]:
    for number, line in enumerate(_LINE.finditer(text), start=1):
        marker = _MARKER.fullmatch(line.group())
        if marker:
            yield _Marker(
                name=marker["name"],
                edge=marker["edge"],
                line=number,
                start=line.start() + line.group().startswith(BYTE_ORDER_MARK),
                stop=line.end(),
                ending=marker["ending"],
            )
