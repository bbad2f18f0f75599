"""Putting one member or element into a JSON file and taking it out again; every other byte stays as it is.

What is put in comes first in its object or array, in one piece: no comma or comment of anybody else is touched, and
taking the piece out leaves the text as it was. An object written over lines gets lines of its own, one written on a
single line stays on it.
"""

import json
import re
from pathlib import Path
from typing import Any

from fleetlore.server.clients.jsonc import Node, line_of, next_token_start, parse
from fleetlore.server.marked_block import common_newline
from fleetlore.storage.errors import FileRefused

_NEWLINE = re.compile(r"\r\n|\r|\n")
_BLANK_START = re.compile(r"(?:[ \t]|//[^\r\n]*|/\*(?:[^*\r\n]|\*(?!/))*\*/)*(?P<newline>\r\n|\r|\n)")
_EMPTIED = re.compile(r"[ \t]*[\r\n][ \t\r\n]*")


def member(text: str, keys: tuple[str, ...], path: Path) -> Any | None:  # noqa: ANN401  any JSON value
    """The value at the end of that path of keys; None where there is none."""
    found = _members(text, keys, path)
    return found[-1].value if len(found) == len(keys) + 1 else None


def put_member(
    text: str,
    keys: tuple[str, ...],
    value: Any,  # noqa: ANN401
    path: Path,
    *,
    over_lines: bool = False,
) -> str:
    """The text with that value there; in its place if one is there, else first in its object.

    Objects that are missing on the way are made, over lines, by which they are known again; with `over_lines` the value
    is written so as well. Raises `FileRefused` where the file has no object on the way.
    """
    found = _members(text, keys, path)
    step = _indent(text)
    newline = common_newline(text)
    if not found:
        begun = newline if text.strip(" \t\ufeff") and not text.endswith(("\r", "\n")) else ""
        return text + begun + _lines(_nested(keys, value), step, "", newline) + newline
    depth = len(found) - 1
    if depth == len(keys):
        node = found[-1]
        if node.value == value:
            return text
        margin = _margin(text, node.start)
        written = _like(text, node, value, step, margin, newline)
        return text[: node.start] + written + text[node.stop :]
    name, inside = keys[depth], _nested(keys[depth + 1 :], value)
    owner = found[-1]
    made = over_lines or depth < len(keys) - 1 or not (depth or owner.members)
    starts = [each.start for each in owner.members]
    return _put_first(
        text, owner, starts, f"{json.dumps(name)}: ", inside, step, newline, flat=_flat(text, owner) and not made
    )


def take_member(text: str, keys: tuple[str, ...], path: Path) -> str:
    """The text without that member, and without objects over several lines that it leaves empty."""
    if len(_members(text, keys, path)) <= len(keys):
        return text
    for depth in range(len(keys), 0, -1):
        found = _members(text, keys[:depth], path)
        owner = found[-2]
        place = next(index for index, each in enumerate(owner.members) if each.key == keys[depth - 1])
        spans = [(each.start, each.node.stop) for each in owner.members]
        if depth == len(keys) or _emptied(text, found[-1]):
            text = _cut(text, owner.start + 1, spans, place)
    root = parse(text, path)
    if root is not None and _emptied(text, root) and _NEWLINE.fullmatch(text[root.start + 1 : root.stop - 1]):
        return text[: root.start + 1] + text[root.stop - 1 :]
    return text


def element(text: str, key: str, field: str, wanted: str, path: Path) -> Any | None:  # noqa: ANN401
    """The element of the array at a key whose field has that value; None where there is none."""
    return next((node.value for node in _elements(text, key, path) or () if _has(node, field, wanted)), None)


def put_element(text: str, key: str, field: str, value: dict[str, Any], path: Path) -> str:
    """The text with that element in the array at a key: in place of the one with an equal field, else first."""
    nodes = _elements(text, key, path)
    if nodes is None:
        return put_member(text, (key,), [value], path, over_lines=True)
    step, newline = _indent(text), common_newline(text)
    for node in nodes:
        if node.value == value:
            return text
        if _has(node, field, value[field]):
            written = _like(text, node, value, step, _margin(text, node.start), newline)
            return text[: node.start] + written + text[node.stop :]
    array = _members(text, (key,), path)[-1]
    starts = [node.start for node in nodes]
    return _put_first(text, array, starts, "", value, step, newline, flat=_flat(text, array))


def take_element(text: str, key: str, field: str, wanted: str, path: Path) -> str:
    """The text without that element, and without the array if it is over several lines and left empty."""
    nodes = _elements(text, key, path) or ()
    place = next((index for index, node in enumerate(nodes) if _has(node, field, wanted)), None)
    if place is None:
        return text
    array = _members(text, (key,), path)[-1]
    text = _cut(text, array.start + 1, [(node.start, node.stop) for node in nodes], place)
    return take_member(text, (key,), path) if _emptied(text, _members(text, (key,), path)[-1]) else text


def _elements(text: str, key: str, path: Path) -> tuple[Node, ...] | None:
    found = _members(text, (key,), path)
    if len(found) < 2:
        return None
    array = found[-1]
    if not isinstance(array.value, list):
        raise _odd(text, array, f"{json.dumps(key)} is no array", path)
    return array.elements


def _has(node: Node, field: str, wanted: str) -> bool:
    return isinstance(node.value, dict) and node.value.get(field) == wanted


def _members(text: str, keys: tuple[str, ...], path: Path) -> list[Node]:
    """The root and the values along the keys, as far as they are there."""
    root = parse(text, path)
    if root is None:
        return []
    found = [root]
    for depth, key in enumerate(keys):
        owner = found[-1]
        if not isinstance(owner.value, dict):
            name = json.dumps(keys[depth - 1]) if depth else "the whole file"
            raise _odd(text, owner, f"{name} is no object", path)
        named = [each for each in owner.members if each.key == key]
        if len(named) > 1:
            raise _odd(text, named[1].node, f"{json.dumps(key)} is there twice", path)
        if not named:
            break
        found.append(named[0].node)
    return found


def _odd(text: str, node: Node, problem: str, path: Path) -> FileRefused:
    return FileRefused(path, line_of(text, node.start), problem, "Mend the file, or move it away, and try again")


def _nested(keys: tuple[str, ...], value: Any) -> Any:  # noqa: ANN401
    for key in reversed(keys):
        value = {key: value}
    return value


def _lines(value: Any, step: str, margin: str, newline: str) -> str:  # noqa: ANN401
    """A value as JSON over lines, each after the first behind a margin; arrays of words stay on one line."""
    if isinstance(value, dict) and value:
        inner = margin + step
        rows = [f"{inner}{json.dumps(key)}: {_lines(each, step, inner, newline)}" for key, each in value.items()]
        return "{" + newline + f",{newline}".join(rows) + newline + margin + "}"
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        inner = margin + step
        rows = [inner + _lines(each, step, inner, newline) for each in value]
        return "[" + newline + f",{newline}".join(rows) + newline + margin + "]"
    return json.dumps(value, ensure_ascii=False)


def _like(text: str, node: Node, value: Any, step: str, margin: str, newline: str) -> str:  # noqa: ANN401
    if _NEWLINE.search(text, node.start, node.stop) is None:
        return json.dumps(value, ensure_ascii=False)
    return _lines(value, step, margin, newline)


def _flat(text: str, owner: Node) -> bool:
    """Whether an object or array begins and goes on in one line."""
    return _BLANK_START.match(text, owner.start + 1) is None


def _put_first(
    text: str,
    owner: Node,
    starts: list[int],
    label: str,
    value: Any,  # noqa: ANN401
    step: str,
    newline: str,
    *,
    flat: bool,
) -> str:
    inside = owner.start + 1
    if flat:
        lead = text[inside : starts[0]] if starts else ""
        lead = lead if lead.isspace() else ""
        comma = "," if starts else ""
        return text[:inside] + lead + label + json.dumps(value, ensure_ascii=False) + comma + text[inside:]
    outer = _margin(text, owner.start)
    begun = _BLANK_START.match(text, inside)
    if begun is None:  # written on one line, and what comes in is not: it gets lines of its own
        comma, end = (",", "") if starts else ("", newline + outer)
        written = _lines(value, step, outer + step, newline)
        return text[:inside] + newline + outer + step + label + written + comma + end + text[inside:]
    newline = begun["newline"]
    margin = _margin(text, starts[0]) if starts else outer + step
    written = margin + label + _lines(value, step, margin, newline) + ("," if starts else "") + newline
    return text[: begun.end()] + written + text[begun.end() :]


def _cut(text: str, inside: int, spans: list[tuple[int, int]], place: int) -> str:
    """The text without one member or element, its comma, and the line that these leave empty."""
    start, stop = spans[place]
    follower = next_token_start(text, stop)
    last = text[follower : follower + 1] != ","
    if not last:
        stop = follower + 1
    line = max(text.rfind("\r", 0, start), text.rfind("\n", 0, start)) + 1
    ending = _NEWLINE.match(text, stop)
    if text[line:start].strip(" \t") == "" and line >= inside and ending is not None:
        start, stop = line, ending.end()
    elif place == 0 and text[inside:start].isspace() and not last:
        start = inside
    if last and place:
        comma = next_token_start(text, spans[place - 1][1])
        return text[:comma] + text[comma + 1 : start] + text[stop:]
    return text[:start] + text[stop:]


def _emptied(text: str, node: Node) -> bool:
    return isinstance(node.value, dict | list) and _EMPTIED.fullmatch(text, node.start + 1, node.stop - 1) is not None


def _margin(text: str, position: int) -> str:
    """The blanks that the line of a position begins with."""
    line = max(text.rfind("\r", 0, position), text.rfind("\n", 0, position)) + 1
    found = re.compile(r"\ufeff?([ \t]*)").match(text, line)
    return found[1] if found else ""


def _indent(text: str) -> str:
    """One step of indentation as the file has it first; two spaces where it has none."""
    found = re.search(r"[{\[](?:[ \t]*//[^\r\n]*)?(?:\r\n|\r|\n)([ \t]+)\S", text)
    return found[1] if found else "  "
