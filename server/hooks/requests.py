"""What hooks ask of a memory, on this machine or of a team's server: as records, and as the JSON between the two.

Nothing of what an assistant's tools wrote goes into a request: commands, outputs and transcripts stay where they are.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from fleetlore.kmu.access import Way
from fleetlore.kmu.implicit import KINDS
from fleetlore.server.hooks.transcript import MOST_RECEIPTS
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ReceiptId
from fleetlore.storage.records import Implicit

LEAST_TOKENS, USUAL_TOKENS, MOST_TOKENS = 100, 600, 20_000
_LONGEST = 200  # characters of a project


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStart:
    """What is best known of a project, within a budget (characters / 4)?"""

    project: str
    max_tokens: int = USUAL_TOKENS


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """Which of a session's receipts still miss their feedback, and were not asked for?"""

    receipts: tuple[ReceiptId, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolUse:
    """This was seen while the session went on whose receipts these are."""

    receipts: tuple[ReceiptId, ...]
    implicit: Implicit


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """This was seen of the task of exactly this receipt."""

    receipt: ReceiptId
    implicit: Implicit


Request = SessionStart | Stop | ToolUse | Seen

_BY_NAME: Mapping[str, type[Request]] = {
    "session-start": SessionStart,
    "stop": Stop,
    "tool-use": ToolUse,
    "report": Seen,
}
_NAMES = {kind: name for name, kind in _BY_NAME.items()}


_WAYS: Mapping[type[Request], Way] = {
    SessionStart: "/hooks session-start",
    Stop: "/hooks stop",
    ToolUse: "/hooks tool-use",
    Seen: "/hooks report",
}


def way_of(request: Request) -> Way:
    """Which way of asking it is, over the network."""
    return _WAYS[type(request)]


def body_of(request: Request) -> dict[str, Any]:
    """The request as JSON."""
    return {"hook": _NAMES[type(request)], **asdict(request)}


def request_of(body: object) -> Request:
    """The inverse of `body_of`. Raises `Refusal`."""
    if not isinstance(body, dict):
        raise Refusal("body", "it is no JSON object", 'Send one, such as {"hook": "stop", "receipts": []}')
    name = body.get("hook")
    if not isinstance(name, str) or name not in _BY_NAME:
        raise Refusal("hook", f"{_told(name)} is none", f"Name one of {', '.join(_BY_NAME)}")
    match _BY_NAME[name]:
        case kind if kind is SessionStart:
            return SessionStart(project=_text(body, "project"), max_tokens=_tokens(body))
        case kind if kind is Stop:
            return Stop(receipts=_receipts(body))
        case kind if kind is ToolUse:
            return ToolUse(receipts=_receipts(body), implicit=_implicit(body))
        case _:
            return Seen(receipt=ReceiptId(_text(body, "receipt")), implicit=_implicit(body))


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise Refusal(name, f"{_told(value)} is no text of at most {_LONGEST} characters", "Send one, or leave it out")
    return value


def _tokens(body: Mapping[str, Any]) -> int:
    value = body.get("max_tokens", USUAL_TOKENS)
    if not isinstance(value, int) or not LEAST_TOKENS <= value <= MOST_TOKENS:
        raise Refusal("max_tokens", f"{_told(value)} is no budget", f"Send {LEAST_TOKENS} to {MOST_TOKENS:,}")
    return value


def _receipts(body: Mapping[str, Any]) -> tuple[ReceiptId, ...]:
    value = body.get("receipts", [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value) or len(value) > MOST_RECEIPTS:
        raise Refusal("receipts", f"{_told(value)} is no list of receipts", f"Send at most {MOST_RECEIPTS:,} ids (r_…)")
    return tuple(ReceiptId(one) for one in value)


def _implicit(body: Mapping[str, Any]) -> Implicit:
    value = body.get("implicit")
    if value not in KINDS:
        raise Refusal("implicit", f"{_told(value)} is nothing that can be seen", f"Send one of {', '.join(KINDS)}")
    return cast(Implicit, value)


def _told(value: object) -> str:
    told = repr(value)
    return told if len(told) <= 40 else f"{told[:39]}…"
