"""JSON as clients have it, with comments and trailing commas: what is in it, and where.

Libraries give values or rewrite the file; changing one member and nothing else needs the position of every member.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fleetlore.storage.errors import FileRefused

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\n\ufeff]+|//[^\r\n]*|/\*(?s:.*?)\*/)
    |(?P<string>"(?:[^"\\\x00-\x1f]|\\.)*")
    |(?P<mark>[{}\[\]:,])
    |(?P<word>[A-Za-z0-9+\-.]+)""",
    re.VERBOSE,
)
_DEEPEST = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One value: where it stands, what it means, and, of an object or array, its members or elements."""

    start: int
    stop: int
    value: Any
    members: tuple["Member", ...] = ()
    elements: tuple["Node", ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One member of an object; `start` is where its key begins."""

    key: str
    start: int
    node: Node


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


def line_of(text: str, position: int) -> int:
    """The number of the line of a position, whatever the line endings."""
    return len(re.findall(r"\r\n|\r|\n", text[:position])) + 1


@lru_cache(maxsize=4)  # each step of a change reads the whole file again, and some files are large
def parse(text: str, path: Path) -> Node | None:
    """The value that a file holds; None where it holds nothing but blanks and comments.

    Raises `FileRefused` with the line where the text is no JSON, even with comments and trailing commas allowed.
    """
    reader = _Reader(text, path)
    if reader.token is None:
        return None
    root = reader.value(0)
    if reader.token is not None:
        raise reader.refusal("there is something after the end of the JSON value")
    return root


def next_token_start(text: str, position: int) -> int:
    """Where the next token after blanks and comments starts; the end of the text if none does."""
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup != "blank":
            return position
        position = found.end()
    return position


class _Reader:
    """Reads one token ahead."""

    def __init__(self, text: str, path: Path) -> None:
        self._text = text
        self._path = path
        self._position = 0
        self.token: _Token | None = None
        self._advance()

    def refusal(self, problem: str) -> FileRefused:
        position = self.token.start if self.token else len(self._text.rstrip())
        problem = problem if self.token else "the JSON ends too early"
        return FileRefused(
            self._path, line_of(self._text, position), problem, "Mend the file, or move it away, and try again"
        )

    def value(self, depth: int) -> Node:
        token = self.token
        if depth > _DEEPEST:
            raise self.refusal("the JSON is nested too deeply")
        match token:
            case _Token("mark", "{", _):
                return self._object(token.start, depth)
            case _Token("mark", "[", _):
                return self._array(token.start, depth)
            case _Token("string" | "word", written, start):
                value = self._scalar(written)
                self._advance()
                return Node(start=start, stop=start + len(written), value=value)
            case None:
                raise self.refusal("a value is missing")
            case _:
                raise self.refusal(f"there is a {token.text} where a value should be")

    def _object(self, start: int, depth: int) -> Node:
        members: list[Member] = []
        self._advance()
        while not self._at("}"):
            if self.token is None or self.token.kind != "string":
                raise self.refusal("a member's name in double quotes is missing")
            key_start, key = self.token.start, self._scalar(self.token.text)
            self._advance()
            if not self._at(":"):
                raise self.refusal(f"there is no colon after {json.dumps(key)}")
            self._advance()
            members.append(Member(key=key, start=key_start, node=self.value(depth + 1)))
            self._comma("}")
        stop = self._closed()
        return Node(start=start, stop=stop, value={m.key: m.node.value for m in members}, members=tuple(members))

    def _array(self, start: int, depth: int) -> Node:
        elements: list[Node] = []
        self._advance()
        while not self._at("]"):
            elements.append(self.value(depth + 1))
            self._comma("]")
        stop = self._closed()
        return Node(start=start, stop=stop, value=[node.value for node in elements], elements=tuple(elements))

    def _comma(self, closing: str) -> None:
        if self._at(","):
            self._advance()
        elif not self._at(closing):
            raise self.refusal(f"a comma or {closing} is missing")

    def _closed(self) -> int:
        assert self.token is not None
        stop = self.token.start + 1
        self._advance()
        return stop

    def _scalar(self, written: str) -> Any:  # noqa: ANN401  any JSON value
        try:
            return json.loads(written)
        except ValueError:
            raise self.refusal(f"{written[:40]} is no JSON value") from None

    def _at(self, mark: str) -> bool:
        return self.token is not None and self.token.kind == "mark" and self.token.text == mark

    def _advance(self) -> None:
        self._position = next_token_start(self._text, self._position)
        if self._position == len(self._text):
            self.token = None
            return
        found = _TOKEN.match(self._text, self._position)
        if found is None:
            self.token = _Token("", self._text[self._position], self._position)
            raise self.refusal(f"there is a {self._text[self._position]!r} that JSON does not have there")
        self.token = _Token(found.lastgroup or "", found.group(), found.start())
        self._position = found.end()
