"""Putting one table at the end of a TOML file and taking it out again; every other byte stays as it is.

Where a table begins and ends is only guessed from the lines; that the guess is right is proved by parsing the text
with and without them.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from fleetlore.server.marked_block import append_paragraph, common_newline, cut_paragraph
from fleetlore.storage.errors import FileRefused

_LINE = re.compile(r"[^\n]*(?:\n|\Z)")
_MEND = "Mend the file, or move it away, and try again"


def table(text: str, keys: tuple[str, str], path: Path) -> Any | None:  # noqa: ANN401  any TOML value
    """The value at `keys`; None where there is none. Raises `FileRefused` where the text is no TOML."""
    owner = _parsed(text, path).get(keys[0], {})
    if not isinstance(owner, dict):
        raise FileRefused(path, None, f"{keys[0]} is no table", _MEND)
    return owner.get(keys[1])


def put_table(text: str, keys: tuple[str, str], value: dict[str, Any], path: Path) -> str:
    """The text with that table at its end; in its place where it is there already.

    Raises `FileRefused` where the file is written in a way that a table cannot be added to.
    """
    newline = common_newline(text)
    rows = [f"[{'.'.join(keys)}]", *(f"{key} = {_written(each)}" for key, each in value.items())]
    paragraph = newline.join(rows)
    span = _span(text, keys, path)
    if span is not None:
        written = text[span[0] : span[1]]
        after = text[: span[0]] + paragraph + written[len(written.rstrip("\r\n")) :] + text[span[1] :]
    else:
        after = append_paragraph(text, paragraph, newline)
    expected = _parsed(text, path)
    expected.setdefault(keys[0], {})[keys[1]] = value
    if _or_none(after) != expected:
        raise FileRefused(
            path,
            None,
            f"{keys[0]} is written in a way that a table cannot be added to",
            f"Write it as [{keys[0]}.NAME] tables, or add this by hand: {'; '.join(rows)}",
        )
    return after


def take_table(text: str, keys: tuple[str, str], path: Path) -> str:
    """The text without that table; the text itself where there is none."""
    if table(text, keys, path) is None:
        return text
    span = _span(text, keys, path)
    if span is None:
        raise FileRefused(
            path, None, f"{'.'.join(keys)} is written in a way that it cannot be taken out of", "Take it out by hand"
        )
    head = text[span[0] : span[1]].partition("\n")[0]
    return cut_paragraph(text, span[0], span[1], "\r\n" if head.endswith("\r") else "\n")


def _span(text: str, keys: tuple[str, str], path: Path) -> tuple[int, int] | None:
    """Where the lines of the table are: from its header to its last line."""
    if table(text, keys, path) is None:
        return None
    without = _parsed(text, path)
    del without[keys[0]][keys[1]]
    if not without[keys[0]]:
        del without[keys[0]]
    names = r"\s*\.\s*".join(rf"(?:{re.escape(key)}|\"{re.escape(key)}\"|'{re.escape(key)}')" for key in keys)
    for header in re.finditer(rf"^\ufeff?([ \t]*\[\s*{names}\s*\][^\n]*)$", text, re.MULTILINE):
        stop = header.end() + (text[header.end() : header.end() + 1] == "\n")
        while True:
            rest = _or_none(text[: header.start(1)] + text[stop:])
            if rest is not None and rest in (without, {**without, keys[0]: {}}):
                return header.start(1), stop
            line = _LINE.match(text, stop)
            if line is None or line.end() == stop:
                break
            stop = line.end()
    return None


def _written(value: Any) -> str:  # noqa: ANN401  a string or a list of strings
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        problem = re.sub(r" \(at .*\)$", "", str(error))
        problem = problem[:1].lower() + problem[1:]
        raise FileRefused(path, int(found[1]) if found else None, f"this is no TOML: {problem}", _MEND) from None


def _or_none(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:
        return None
