"""What people type, held to the same limits as what agents send."""

from dataclasses import replace
from typing import Any

from fleetlore.tools.arguments import read_arguments
from fleetlore.tools.shared_arguments import APPLIES_WHEN, INSIGHT, KIND, PROJECT, TAGS, TASK_TYPE

_KINDS = ("do", "avoid", "fact")
_KIND = replace(KIND, choices=_KINDS, default=None, required=True, hint=f"Use one of: {', '.join(_KINDS)}")
_ARGUMENTS = {argument.name: argument for argument in (INSIGHT, APPLIES_WHEN, _KIND, PROJECT, TAGS, TASK_TYPE)}


def as_kept(id: str) -> str:
    """An id as the ledger has it, which people may type in capitals or with blanks around it."""
    return id.strip().lower()


def read(**values: object) -> dict[str, Any]:
    """The values as they are stored; raises `Refusal` where one is too long or cannot be stored."""
    return read_arguments([_ARGUMENTS[name] for name in values], values)
