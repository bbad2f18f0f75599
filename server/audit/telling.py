"""How the audit is told: to people in lines, to machines in JSON that a stranger can verify."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from fleetlore.kmu.auditing import Finding
from fleetlore.kmu.harmless import harmless
from fleetlore.server.people.lines import counted, hint, moment
from fleetlore.storage.audit_view import Event
from fleetlore.storage.chain import SEAL

_COLOURS = {
    "retrieved": "bright_black",
    "feedback": "cyan",
    "implied": "cyan",
    "new": "green",
    "promoted": "green",
    "restored": "green",
    "demoted": "yellow",
    "conflict": "magenta",
    "contested": "magenta",
    "pruned": "red",
    "erased": "red",
    "forgotten": "red",
}


def exported(event: Event) -> str:
    """An event as one line of JSON, with everything that its link is made of."""
    return json.dumps(asdict(event), ensure_ascii=False)


def account(event: Event) -> dict[str, Any]:
    """An event for machines that do not verify it: its time in ISO form, its body read."""
    return asdict(event) | {"at": event.when, "body": _read(event)}


def line(told: dict[str, Any]) -> str:
    """An event's account for people."""
    kind = click.style(harmless(told["kind"]).ljust(12), fg=_COLOURS.get(told["kind"]))
    details = "  ".join(f"{name} {_told(value)}" for name, value in told["body"].items() if value and name != SEAL)
    who = harmless(f"{told['agent']}  {told['subject']}")
    return f"{moment(told['at'])}  {kind} {who}  {hint(harmless(details)) if details else ''}".rstrip()


def _read(event: Event) -> dict[str, Any]:
    """The body of an event, also of one that somebody has spoilt."""
    try:
        body = json.loads(event.body)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {"unreadable": event.body}


def _told(value: Any) -> str:  # noqa: ANN401  any JSON value
    match value:
        case list():
            return ",".join(_told(one) for one in value)
        case dict():
            return ",".join(f"{name}:{_told(one)}" for name, one in value.items())
        case _:
            return str(value)


def verdict(found: Finding) -> dict[str, Any]:
    """What an audit found, for machines."""
    return {"whole": found.whole, **asdict(found)}


def verdict_text(found: dict[str, Any]) -> str:
    """The same for people."""
    return "\n".join(_lines(found))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    if found["broken"] is None:
        yield f"{click.style('whole', fg='green')}   {counted(found['events'], 'event')}, each linked to the one before"
    else:
        broken = found["broken"]
        where = f"at event {broken['seq']} ({broken['event']})" if broken["event"] else "at its end"
        yield f"{click.style('broken', fg='red')}  the chain of {counted(found['events'], 'event')}, first {where}:"
        yield f"        {harmless(broken['because'])}"
    if found["head"]:
        yield f"head    {found['head']}"
    if found["since"]:
        yield f"since   {moment(found['since'])}"
    if found["earlier"]:
        yield f"        {counted(found['earlier'], 'event')} from before the chain was linked in retrospect"
    state = click.style("altered", fg="red") if found["altered"] else "texts"
    yield f"{state:<7} {found['texts']:,} as recorded, {found['erased']:,} erased{_unbound(found['unbound'])}"
    yield from (f"        {harmless(because)}" for because in found["altered_texts"])
    if (more := found["altered"] - len(found["altered_texts"])) > 0:
        yield f"        … and {more:,} more"
    if found["pending"]:
        yield f"{found['pending']} has not erased everything yet: run 'fleetlore forget' to finish it"
    if found["broken"] is None and found["head"]:
        yield hint("a chain cannot tell what was cut off at its end: note the head elsewhere, and verify --expect it")


def _unbound(number: int) -> str:
    return f", {number:,} from before texts were bound" if number else ""
