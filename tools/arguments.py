"""Arguments as models really send them: understood where the meaning is plain, refused in our own words where not.

`null` and an empty choice mean left out, a single string counts as a list of one, numbers may come as strings, case
and spaces around a choice do not matter. An argument that a tool does not have is an error that names the nearest.
"""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fleetlore.storage.errors import Refusal

# What models call an argument that has another name here.
_SYNONYMS = {
    "query": "task", "question": "task", "prompt": "task", "task_description": "task", "description": "task",
    "text": "task", "search": "task", "lesson": "insight", "learning": "insight", "learned": "insight",
    "knowledge": "insight", "content": "insight", "memory": "insight", "explanation": "reasoning", "why": "reasoning",
    "rationale": "reasoning", "notes": "reasoning", "result": "outcome", "success": "outcome", "status": "outcome",
    "verdict": "outcome", "condition": "applies_when", "context": "applies_when", "when": "applies_when",
    "receipt_id": "receipt", "retrieval_id": "receipt", "item_ids": "ids", "id": "ids", "item_id": "ids",
    "useful": "helpful", "helped": "helpful", "good": "helpful", "misleading": "harmful", "wrong": "harmful",
    "bad": "harmful", "supersedes": "replaces", "corrects": "replaces", "type": "kind", "category": "task_type",
    "top_k": "limit", "k": "limit", "n": "limit", "max_results": "limit", "count": "limit", "budget": "max_tokens",
    "token_limit": "max_tokens", "repo": "project", "repository": "project", "labels": "tags",
    "agent_id": "agent", "agent_name": "agent", "actual": "output", "idempotency_key": "key", "dry_run": "apply",
    "confirm": "apply", "plan_id": "plan", "scope": "space",
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Argument:
    """One argument of a tool: its schema, and how it is read.

    `most` is the length of a text or the largest value of an integer; `name_like` texts are one line; `structured`
    ones may come as JSON values.
    """

    name: str
    form: Literal["text", "choice", "integer", "flag", "list"] = "text"
    description: str = ""
    required: bool = False
    default: str | int | bool | None = None
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 20_000
    name_like: bool = False
    structured: bool = False
    hint: str = ""

    def schema(self) -> dict[str, Any]:
        """Its JSON schema; defaults are named where they are not empty."""
        schema: dict[str, Any] = {
            "type": {"integer": "integer", "flag": "boolean", "list": "array"}.get(self.form, "string")
        }
        if self.form == "list":
            schema["items"] = {"type": "string"}
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.form == "integer":
            schema |= {"minimum": self.least, "maximum": self.most}
        if self.default is not None:
            schema["default"] = self.default
        if self.description:
            schema["description"] = self.description
        return schema

    def read(self, value: Any) -> Any:  # noqa: ANN401  what a model sends is of any type
        """The value in the argument's own type; raises `Refusal`."""
        match self.form:
            case "text":
                return self._text(value)
            case "choice":
                return self._choice(value)
            case "integer":
                return self._integer(value)
            case "flag":
                return self._flag(value)
            case "list":
                return self._list(value)

    def left_out(self) -> Any:  # noqa: ANN401  of the argument's own type
        """The value where none was sent; raises `Refusal` if one is required."""
        if self.required:
            raise Refusal(self.name, "it is required and was left out", self.hint or f"Send {self.name} as a text")
        if self.default is not None:
            return self.default
        return () if self.form == "list" else ""

    def _text(self, value: Any) -> str:  # noqa: ANN401
        if self.structured and not isinstance(value, str):
            value = json.dumps(value, ensure_ascii=False)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise Refusal(self.name, f"it is {_type(value)}, not a text", "Send it as one string")
        return self._checked(value)

    def _checked(self, text: str) -> str:
        if self.required and not text.strip():
            raise Refusal(self.name, "it is empty", self.hint or "Say it in at least one word")
        if len(text) > self.most:
            hint = self.hint or "Shorten it"
            raise Refusal(self.name, f"it has {len(text):,} characters, at most {self.most:,} are allowed", hint)
        if _SURROGATE.search(text):
            raise Refusal(self.name, "it has half of a surrogate pair, which cannot be stored", "Send valid Unicode")
        if self.name_like and _CONTROL.search(text):
            raise Refusal(self.name, "it has line breaks or control characters", self.hint or "Send one short line")
        return text

    def _choice(self, value: Any) -> str:  # noqa: ANN401
        allowed = f"Use one of: {', '.join(self.choices)}"
        if not isinstance(value, str):
            raise Refusal(self.name, f"it is {_type(value)}, not a text", allowed)
        wanted = value.strip().casefold()
        if not wanted:
            return str(self.left_out())
        if wanted not in self.choices:
            near = difflib.get_close_matches(wanted, self.choices, n=1)
            meant = f", did you mean {near[0]}?" if near else ""
            raise Refusal(self.name, f"{_short(value)} is not known{meant}".rstrip("?"), allowed)
        return wanted

    def _integer(self, value: Any) -> int:  # noqa: ANN401
        asked = f"Send a whole number from {self.least} to {self.most:,}"
        try:
            number = float(value.strip()) if isinstance(value, str) else value
        except ValueError:
            raise Refusal(self.name, f"{_short(value)} is not a number", asked) from None
        if isinstance(number, bool) or not isinstance(number, int | float) or number != number // 1:
            raise Refusal(self.name, f"{_short(value)} is not a whole number", asked)
        if not self.least <= number <= self.most:
            raise Refusal(self.name, f"{_short(value)} is out of range", asked)
        return int(number)

    def _flag(self, value: Any) -> bool:  # noqa: ANN401
        known = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "": False}
        word = str(value).strip().casefold()
        if word not in known:
            raise Refusal(self.name, f"{_short(value)} is neither true nor false", "Send true or false")
        return known[word]

    def _list(self, value: Any) -> tuple[str, ...]:  # noqa: ANN401
        if isinstance(value, str):
            value = _listed(value)
        if not isinstance(value, list | tuple):
            raise Refusal(self.name, f"it is {_type(value)}, not a list", "Send a list of strings")
        entries = [entry for entry in value if entry is not None]
        for entry in entries:
            if not isinstance(entry, str):
                raise Refusal(self.name, f"it holds {_type(entry)}, not only strings", "Send a list of strings")
        words = [entry.strip() for entry in entries]
        for word in words:
            if _CONTROL.search(word) or _SURROGATE.search(word):
                raise Refusal(self.name, "an entry has line breaks or control characters", "Send short, plain entries")
            if len(word) > 64:
                raise Refusal(self.name, f"an entry has {len(word)} characters, at most 64 are allowed", "Shorten it")
        found = tuple(dict.fromkeys(word for word in words if word))
        if len(found) > self.most:
            raise Refusal(self.name, f"it has {len(found)} entries, at most {self.most} are allowed", "Send fewer")
        return found


def schema_of(arguments: Sequence[Argument]) -> dict[str, Any]:
    """A tool's input schema."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {argument.name: argument.schema() for argument in arguments},
        "additionalProperties": False,
    }
    if required := [argument.name for argument in arguments if argument.required]:
        schema["required"] = required
    return schema


def read_arguments(arguments: Sequence[Argument], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Every argument of a tool by name, as sent or at its default; raises `Refusal`."""
    known = {argument.name: argument for argument in arguments}
    for name in sent:
        if name not in known:
            raise Refusal(_short(name), *_unknown(name, list(known)))
    return {
        name: argument.left_out() if sent.get(name) is None else argument.read(sent[name])
        for name, argument in known.items()
    }


def _unknown(name: str, known: Sequence[str]) -> tuple[str, str]:
    folded = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).casefold()).strip("_")
    near = folded if folded in known else _SYNONYMS.get(folded, "")
    if near not in known:
        near = next(iter(difflib.get_close_matches(folded, known, n=1)), "")
    remedy = f"Did you mean {near}? This" if near else "This"
    return "there is no such argument", f"{remedy} tool takes {', '.join(known)}"


def _listed(text: str) -> list[Any]:
    """A list that came as a string: JSON, or words between commas, semicolons or spaces around ids."""
    stripped = text.strip()
    if stripped.startswith("["):
        try:
            value = json.loads(stripped)
        except RecursionError:
            return [text]
        except ValueError:
            value = [word.strip("'\" ") for word in stripped.strip("[]").split(",")]
        return value if isinstance(value, list) else [text]
    words = [word for word in re.split(r"[\s,;]+", stripped) if word]
    if all(word.startswith("k_") for word in words):
        return words
    return re.split(r"[,;]", stripped)


def _type(value: object) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "of another type") if value is not None else "null"


def _short(value: object) -> str:
    try:
        text = str(value)
    except ValueError:  # Python does not write out integers of thousands of digits
        return "a number of thousands of digits"
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
