"""JSON lines and CSV by anybody: objects and rows with a lesson in them, under whatever name it goes."""

import csv
import json
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from fleetlore.server.exchange.lines import Lesson, Line, Place, Refused, Skipped, lesson_of
from fleetlore.server.exchange.record import MARK, arrival_of
from fleetlore.storage.errors import Refusal
from fleetlore.storage.records import AgentName, Kind

# What others call the parts of a lesson, most telling first.
_INSIGHT = (
    "insight",
    "lesson",
    "learning",
    "rule",
    "memory",
    "guideline",
    "advice",
    "content",
    "text",
    "body",
    "note",
    "fact",
)
_CONDITION = (
    "applies_when",
    "condition",
    "when",
    "situation",
    "context",
    "scope",
    "topic",
    "title",
    "description",
    "category",
)
_KIND = ("kind", "type")
_PROJECT = ("project", "repository", "repo")
_TASK_TYPE = ("task_type",)
_TAGS = ("tags", "labels", "keywords")
_KINDS: Mapping[str, Kind] = {"do": "do", "avoid": "avoid", "dont": "avoid", "don't": "avoid", "fact": "fact"}

LONGEST_LINE = 1 << 20
_DELIMITERS = ",;\t|"


def read_json_lines(file: TextIO, name: str, *, agent: AgentName) -> Iterator[Line]:
    """The lines of a JSON lines file, whose text comes with universal newlines."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        place = Place(file=name, line=number)
        if len(line) >= LONGEST_LINE and not line.endswith("\n"):
            while (rest := file.readline(LONGEST_LINE)) and not rest.endswith("\n"):
                pass
            yield Refused(
                place=place, text=line[:100], because=f"a line has at most {LONGEST_LINE:,} characters: split it"
            )
        elif line.strip():
            yield _json_line(line.strip(), place, agent)


def _json_line(line: str, place: Place, agent: AgentName) -> Line:
    try:
        value = json.loads(line, parse_constant=_no_number)
    except RecursionError:
        return Refused(place=place, text=line, because="it is nested too deeply: write one flat object a line")
    except ValueError as error:
        at = f" at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else ""
        return Refused(place=place, text=line, because=f"it is no whole JSON value{at}: half a line, or not JSON")
    if isinstance(value, str):
        value = {"insight": value}
    if not isinstance(value, dict):
        return Refused(place=place, text=line, because="it is no JSON object: write one object a line, not a list")
    if MARK in value:
        return arrival_of(value, place, agent)
    return _lesson({name.casefold(): entry for name, entry in value.items()}, place, line)


def _no_number(name: str) -> float:
    raise ValueError(name)


def read_csv(file: TextIO, name: str) -> Iterator[Line]:
    """The rows of a CSV file, whose text comes with its newlines as they are; the first row names the columns.

    Raises `Refusal` where no column can be the lesson.
    """
    lines = _Lines(file)
    header = next(lines, "")
    if not header:
        return  # nothing is in it
    delimiter = max(_DELIMITERS, key=header.count)
    names = [column.strip().casefold() for column in next(csv.reader([header], delimiter=delimiter), [])]
    if not set(names) & set(_INSIGHT):
        known = ", ".join(_INSIGHT)
        raise Refusal(name, "its first line names no column that could be a lesson", f"Name one of: {known}")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        place = Place(file=name, line=lines.read + 1)
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Refused(place=place, text="", because=f"it and what follows is no CSV ({error}): check the quotes")
            return
        if not row:
            continue
        if len(row) != len(names):
            because = (
                f"it has {len(row)} columns, the first line names {len(names)}: quote what has {delimiter!r} in it"
            )
            yield Refused(place=place, text=delimiter.join(row), because=because)
        else:
            yield _lesson(dict(zip(names, row, strict=True)), place, delimiter.join(row))


class _Lines(Iterator[str]):
    """The lines of a text, none longer than allowed, counted."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.read = 0

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.read += 1
        return line


def _lesson(values: Mapping[str, Any], place: Place, whole: str) -> Lesson | Skipped | Refused:
    named = next((name for name in _INSIGHT if _said(values.get(name))), None)
    if named is None:
        if any(name in values for name in _INSIGHT):
            return Skipped(place=place, text=whole, because="its lesson is empty")
        known = ", ".join(_INSIGHT)
        return Refused(place=place, text=whole, because=f"no field of it can be the lesson: name one of {known}")
    texts = {"insight": values[named]}
    for part, names in (("applies_when", _CONDITION), ("task_type", _TASK_TYPE), ("project", _PROJECT)):
        texts[part] = next((values[name] for name in names if name != named and _said(values.get(name))), "")
    for part, text in texts.items():
        if not isinstance(text, str):
            return Refused(
                place=place, text=whole, because=f"{named if part == 'insight' else part} is no text: write a string"
            )
    kind = next((_KINDS[word] for name in _KIND if (word := str(values.get(name, "")).casefold()) in _KINDS), None)
    tags = next((_listed(values[name]) for name in _TAGS if _said(values.get(name))), ())
    if (
        tags is None
        or len(tags) > 20
        or any(len(tag) > 64 for tag in tags)
        or len(texts["task_type"]) > 64
        or len(texts["project"]) > 200
    ):
        because = "a lesson has at most 20 tags of 64 characters, a task_type of 64 and a project of 200: shorten them"
        return Refused(place=place, text=whole, because=because)
    insight = texts["insight"].strip()
    return lesson_of(
        place,
        insight,
        applies_when=texts["applies_when"].strip(),
        kind=kind,
        task_type=" ".join(texts["task_type"].split()),
        project=" ".join(texts["project"].split()),
        tags=tags,
    )


def _said(value: object) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None and value != []


def _listed(value: object) -> tuple[str, ...] | None:
    """Tags as a list, or as words between commas or semicolons."""
    if isinstance(value, str):
        value = value.replace(";", ",").split(",")
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        return None
    return tuple(dict.fromkeys(" ".join(entry.split()) for entry in value if entry.strip()))
