"""`fleetlore agents`: who is trusted how far, and who deserves a look."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import click

from fleetlore.kmu.standing import Judged, judged
from fleetlore.server.command_group import commands, data_option, json_option, tell, with_ledger
from fleetlore.server.imitation import imitated
from fleetlore.server.people.lines import coloured, counted, heading, hint, moment, one_line
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import AgentName

_FATES = ("active", "provisional", "contested", "superseded", "pruned")


@commands.command()
@data_option
@json_option
def agents(data: Path, as_json: bool) -> None:
    """Show every agent's standing, who deserves attention first.

    Reliability is how often its reports are borne out, and how many of them that rests on.
    Next: `fleetlore revoke` an agent that misleads.
    """

    async def found(ledger: Ledger) -> dict[str, Any]:
        return {"agents": [_account(one) for one in judged(await ledger.read.standings(ledger.clock()), alike=_alike)]}

    tell(with_ledger(data, "", found), as_json, lambda told: "\n".join(_lines(told["agents"])))


def _alike(name: AgentName, known: Collection[AgentName]) -> AgentName | None:
    found = imitated(name, known)
    return None if found is None else AgentName(found)


def _account(one: Judged) -> dict[str, Any]:
    standing = one.standing
    return {
        "agent": standing.agent,
        "reliability": one.reliability,
        "rests_on": standing.judged,
        "reports": standing.reports,
        "lessons": standing.lessons,
        **{name: getattr(standing, name) for name in (*_FATES, "merged")},
        "first_seen": standing.first_seen.isoformat() if standing.first_seen else None,
        "last_seen": standing.last_seen.isoformat() if standing.last_seen else None,
        "tokens": standing.tokens,
        "revoked_by": standing.withdrawn_by,
        "imitates": one.imitates,
        "concern": one.concern,
        "because": one.because,
    }


def _lines(agents: list[dict[str, Any]]) -> Iterator[str]:
    if not agents:
        yield "nobody has asked or reported here yet"
        return
    for one in agents:
        yield f"{heading(one['agent'])}  {_reliability(one)}{_revoked(one)}"
        fates = [f"{one[fate]:,} {coloured(fate)}" for fate in _FATES if one[fate]]
        fates += [f"{one['merged']:,} merged into others"] if one["merged"] else []
        brought = f"{counted(one['lessons'], 'lesson')} brought ({', '.join(fates)})" if fates else "no lesson brought"
        yield f"  {counted(one['reports'], 'report')}, {brought}"
        tokens = f"; {counted(one['tokens'], 'token')}" if one["tokens"] else ""
        yield f"  {_seen(one)}{tokens}"
        if one["because"] and not one["revoked_by"]:
            yield f"  {click.style('look at it:', fg='yellow')} {one_line('; '.join(one['because']))}"
    worst = agents[0]
    if worst["because"] and not worst["revoked_by"]:
        yield hint(f"next: fleetlore revoke {worst['agent']} shows what it would withdraw")


def _reliability(one: dict[str, Any]) -> str:
    if one["reliability"] is None:
        return "reliability not known yet"
    colour = "green" if one["reliability"] >= 0.7 else "yellow" if one["reliability"] >= 0.5 else "red"
    value = click.style(f"{one['reliability']:.2f}", fg=colour)
    return f"reliability {value} after {counted(one['rests_on'], 'report')} with a lesson"


def _revoked(one: dict[str, Any]) -> str:
    return f"  {click.style('revoked', fg='red')} by {one['revoked_by']}" if one["revoked_by"] else ""


def _seen(one: dict[str, Any]) -> str:
    if one["first_seen"] is None:
        return "never seen here"
    return f"first seen {moment(one['first_seen'])}, last {moment(one['last_seen'])}"
