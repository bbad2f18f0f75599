"""An item's wording as a text that a person edits: both texts as they are, the rest in lines of their own."""

import re
from collections.abc import Mapping
from typing import Any

from fleetlore.storage.errors import Refusal
from fleetlore.storage.records import Item, Wording

_HELP = """\
# What stands under “insight” is what agents read. Save to change the item, leave it unchanged to change nothing.
# kind is do, avoid or fact; tags stand between commas.
"""
_INSIGHT, _APPLIES = "=== insight ===", "=== applies when ==="
_FIELDS = ("kind", "tags", "task type", "project")
_FIELD = re.compile(r"(?P<name>[a-z ]+):(?P<value>.*)")


def written(item: Item) -> str:
    """The text to edit."""
    wording = item.wording
    fields = "\n".join(f"{name}: {value}".rstrip() for name, value in _values(wording).items())
    return f"# {item.id}\n{_HELP}{fields}\n{_INSIGHT}\n{wording.insight}\n{_APPLIES}\n{wording.applies_when}\n"


def read_back(text: str, before: Wording) -> dict[str, Any]:
    """The values that the edited text gives, as arguments are sent; a text that only lost its margins is as before.

    Raises `Refusal` where the text has lost its form.
    """
    text = text.replace("\r\n", "\n")
    head, insight_mark, rest = text.partition(f"{_INSIGHT}\n")
    insight, applies_mark, applies_when = rest.partition(f"\n{_APPLIES}\n")
    if not insight_mark or not applies_mark:
        mark = _APPLIES if insight_mark else _INSIGHT
        raise Refusal("text", f"the line {mark} is gone", "Leave the lines with === as they are")
    fields, same = _fields(head), _values(before)
    return {
        "kind": fields["kind"],
        "tags": before.tags if fields["tags"] == same["tags"].strip() else fields["tags"].split(","),
        "task_type": _kept(fields["task type"], before.task_type),
        "project": _kept(fields["project"], before.project),
        "insight": _kept(insight, before.insight),
        "applies_when": _kept(applies_when, before.applies_when),
    }


def _values(wording: Wording) -> dict[str, str]:
    values = (wording.kind, ", ".join(wording.tags), wording.task_type, wording.project)
    return dict(zip(_FIELDS, values, strict=True))


def _fields(head: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for line in head.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        parted = _FIELD.fullmatch(line)
        if parted is None or parted["name"].strip() not in _FIELDS:
            raise Refusal("text", f"the line {line!r} says nothing that is known", f"Use {', '.join(_FIELDS)}")
        found[parted["name"].strip()] = parted["value"].strip()
    if missing := [name for name in _FIELDS if name not in found]:
        raise Refusal("text", f"the line “{missing[0]}:” is gone", "Leave its value empty instead")
    return found


def _kept(text: str, before: str) -> str:
    return before if text.strip() == before.replace("\r\n", "\n").strip() else text.strip()
