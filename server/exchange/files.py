"""Files as people have them: found in a folder, told apart by name and content, read in whatever encoding they say.

A file is looked through once before anything of it is taken: one that is binary, or not in its encoding, is refused.
"""

import codecs
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

from fleetlore.storage.errors import Refusal

Format = Literal["markdown", "jsonl", "csv"]
FORMATS: tuple[Format, ...] = ("markdown", "jsonl", "csv")

STANDARD_INPUT = "-"
KNOWN_FILES = (
    "AGENTS.md",
    "CLAUDE.md",
    "GEMINI.md",
    ".cursorrules",
    ".cursor/rules/**/*.mdc",
    ".github/copilot-instructions.md",
    ".github/instructions/**/*.instructions.md",
)
MOST_MARKDOWN = 2 << 20  # its tree takes a hundred times as much memory
_FORMAT_OF: dict[str, Format] = {
    ".md": "markdown", ".mdc": "markdown", ".markdown": "markdown", ".txt": "markdown", "": "markdown",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv",
}  # fmt: skip
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1 << 20
_IN_MEMORY = 16 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A file that was looked through: its text can be read from the beginning, and it is of that format."""

    name: str
    format: Format
    encoding: str
    size: int
    lines: int
    stream: IO[bytes]

    def text(self, *, newline: str | None = None) -> io.TextIOWrapper:
        """Its text from the beginning; `newline` as in `open`."""
        self.stream.seek(0)
        return io.TextIOWrapper(cast("IO[bytes]", _Kept(self.stream, self.size)), self.encoding, newline=newline)


class _Kept(io.BufferedIOBase):
    """The bytes of a stream that were looked through, whatever is added meanwhile; its reader does not close it."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        found = self._stream.read(wanted)
        self._left -= len(found)
        return found

    def read1(self, size: int = -1, /) -> bytes:
        return self.read(_CHUNK if size < 0 else size)


def found(paths: Sequence[Path]) -> list[Path]:
    """The files to import, each once: what is named, and of a folder the files in which assistants keep rules.

    Raises `Refusal` for a folder without any.
    """
    files: dict[str, Path] = {}
    for path in paths:
        inside = [file for pattern in KNOWN_FILES for file in sorted(path.glob(pattern))] if path.is_dir() else [path]
        inside = [file for file in inside if not file.is_dir()]
        if not inside:
            known = ", ".join(KNOWN_FILES)
            raise Refusal(
                "FILE", f"there is nothing to import in the folder '{path}'", f"Known are {known}; or name a file"
            )
        for file in inside:
            files.setdefault(os.path.realpath(file) if str(file) != STANDARD_INPUT else STANDARD_INPUT, file)
    return list(files.values())


def name_of(path: Path) -> str:
    """A file as provenance names it: as seen from the working folder, or its name alone; never an absolute path."""
    if str(path) == STANDARD_INPUT:
        return "standard input"
    working = Path.cwd()
    absolute = path.absolute()
    return (
        absolute.relative_to(working).as_posix()
        if absolute.is_relative_to(working) and ".." not in path.parts
        else path.name
    )


@contextmanager
def opened(path: Path, *, stated: Format | None, encoding: str) -> Iterator[Source]:
    """A file, looked through. `encoding` "" means the one that the file says, else UTF-8.

    Raises `Refusal` naming the file where it cannot be read.
    """
    name = name_of(path)
    with _readable(name):
        raw: IO[bytes] = sys.stdin.buffer if str(path) == STANDARD_INPUT else path.open("rb")
    with raw as given, _seekable(given) as stream:
        with _readable(name):
            beginning = stream.read(4)
            encoding = encoding or next((known for mark, known in _MARKS if beginning.startswith(mark)), "utf-8")
            head, size, lines = _looked_through(stream, name, encoding)
        yield Source(
            name=name,
            format=stated or _format(path, head, name),
            encoding=encoding,
            size=size,
            lines=lines,
            stream=stream,
        )


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Refusal(name, f"it cannot be read ({reason})", "Check the name and its permissions") from error


@contextmanager
def _seekable(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    """What comes through a pipe is kept in a temporary file: it is read twice."""
    if raw.seekable():
        yield raw
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as kept:
        shutil.copyfileobj(raw, kept, _CHUNK)
        kept.seek(0)
        yield cast("IO[bytes]", kept)


def _looked_through(stream: IO[bytes], name: str, encoding: str) -> tuple[str, int, int]:
    """The beginning of the text, and how many bytes and lines there are."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    stream.seek(0)
    head, line, size = "", 1, 0
    while True:
        chunk = stream.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeError as error:
            problem = f"it is not {encoding}"  # UTF-16 without a byte order mark is wrong as a whole
            if isinstance(error, UnicodeDecodeError):
                line += error.object[: error.start].count(b"\n")
                wrong = error.object[error.start : error.start + 1].hex()
                problem = f"line {line} has a byte that is not {encoding} (0x{wrong})"
            raise Refusal(name, problem, "Say which encoding it has, such as --encoding latin-1") from error
        if "\0" in text:
            raise Refusal(name, "it is a binary file (it has NUL bytes)", "Only text can be imported")
        head = head or text[:4096]
        line += text.count("\n")
        size += len(chunk)
        if not chunk:
            return head, size, line


def _format(path: Path, head: str, name: str) -> Format:
    if str(path) != STANDARD_INPUT and (by_name := _FORMAT_OF.get(path.suffix.lower())):
        if by_name == "markdown" and path.suffix == "" and head.lstrip().startswith("{"):
            return "jsonl"
        return by_name
    if path.suffix.lower() == ".json":
        raise Refusal(name, "JSON is read as lines", "Write one object a line (jq -c '.[]') and say --format jsonl")
    raise Refusal(name, "what it is cannot be told from its name", f"Say --format {', '.join(FORMATS)}")
