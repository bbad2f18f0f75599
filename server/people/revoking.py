"""`fleetlore revoke`: an agent's contributions are taken out of the memory, by a plan that can be taken back."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click

from fleetlore.kmu.policy import Policy
from fleetlore.kmu.revocation import Revocation, Revoking
from fleetlore.server.command_group import (
    agent_option,
    commands,
    data_option,
    json_option,
    promote_after_option,
    tell,
    with_ledger,
)
from fleetlore.server.identity import folded
from fleetlore.server.people.lines import counted, heading, hint, one_line, quoted
from fleetlore.server.people.plans import account_of
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import AgentName

_SHOWN = 20  # lines of a plan; the rest stands under its id
_PATIENCE = 1.0  # seconds until whoever waits is told how far it is


@commands.command()
@click.argument("revoked", metavar="AGENT")
@click.option("--reason", default="", show_default=False, help="Why; kept in the ledger.")
@click.option("--yes", is_flag=True, help="Carry it out without asking.")
@agent_option
@data_option
@promote_after_option
@json_option
def revoke(
    revoked: str, reason: str, yes: bool, agent: AgentName, data: Path, promote_after: int, as_json: bool
) -> None:
    """Take what an AGENT contributed out of the memory, and take no more from it.

    Everything is as if it had never spoken: what it alone brought is gone, what it tipped falls back. Shows what would
    happen, and asks; where nobody can be asked, --yes carries it out. Next: `fleetlore undo` takes it back.
    """
    policy = Policy(promote_after=promote_after)
    revoking = Revoking(folded(revoked), by=agent, reason=reason.strip(), policy=policy)

    async def look(ledger: Ledger) -> tuple[Revocation, dict[str, Any]]:
        with _Waiting(await ledger.read.last_event()) as waiting:
            found = await revoking.look(ledger, waiting.reached)
        return found, await _account(ledger.read, found, revoking.agent, agent)

    found, account = with_ledger(data, "", look)
    asked = not yes and not as_json and sys.stdin.isatty()
    if asked or not yes:
        tell(account, as_json, _planned)
    if asked:
        click.confirm(f"revoke {revoking.agent}?", abort=True)
    elif not yes:
        return

    async def carry_out(ledger: Ledger) -> dict[str, Any]:
        done = await revoking.apply(ledger, found.plan.id)
        return await _account(ledger.read, done, revoking.agent, agent)

    tell(with_ledger(data, "", carry_out), as_json, _done)


class _Waiting:
    """Tells whoever waits at a terminal how far it is, once it has taken a while."""

    def __init__(self, until: int) -> None:
        self._until = until
        self._began = time.monotonic()
        self._told = 0

    def __enter__(self) -> _Waiting:
        return self

    def __exit__(self, *_: object) -> None:
        if self._told:
            click.echo(err=True)

    def reached(self, seq: int) -> None:
        """The ledger's order has been followed to there."""
        percent = 100 * seq // max(self._until, 1)
        if percent > self._told and sys.stderr.isatty() and time.monotonic() - self._began > _PATIENCE:
            self._told = percent
            click.secho(f"\rretelling what was reported … {percent} %", dim=True, err=True, nl=False)


async def _account(view: LedgerView, found: Revocation, revoked: AgentName, agent: AgentName) -> dict[str, Any]:
    return {
        "revoked": revoked,
        **await account_of(view, found.plan, agent),
        "reports": found.reports,
        "followed": found.followed,
        "own_items": found.own_items,
        "tokens": found.tokens,
        "left": found.standing,
    }


def _planned(found: dict[str, Any]) -> str:
    lines = [
        f"{heading(found['revoked'])} would be revoked, as if it had not made its {counted(found['reports'], 'report')}"
    ]
    for act in found["acts"][:_SHOWN]:
        other = f" → {act['other']}" if act["other"] else ""
        lines.append(f"  {act['act']} {act['item']}{other}: {quoted(one_line(act['insight']))}")
        lines.append(f"      {hint('because')} {one_line(act['because'])}")
    if (more := len(found["acts"]) - _SHOWN) > 0:
        lines.append(f"  … and {more:,} more (--json has all); together {_counts(found['acts'])}")
    if not found["acts"]:
        lines.append("  nothing in the general space rests on it")
    lines += _besides(found)
    if not sys.stdin.isatty():
        lines.append(hint(f"nothing was changed; to carry it out: fleetlore revoke {found['revoked']} --yes"))
    return "\n".join(lines)


def _counts(acts: list[dict[str, Any]]) -> str:
    return ", ".join(f"{act} {count:,}" for act, count in Counter(act["act"] for act in acts).items())


def _besides(found: dict[str, Any]) -> list[str]:
    """What else there is to say, and what is left alone."""
    lines = []
    if found["followed"]:
        lines.append(f"  {counted(found['followed'], 'more item')} near what it said: only trust moves")
    if found["tokens"]:
        lines.append(f"  {counted(found['tokens'], 'token')} of its end for good: undo does not bring them back")
    if found["own_items"]:
        lines.append(f"  {counted(found['own_items'], 'item')} of its own space stay: nobody else sees them")
    if found["left"]:
        lines.append(f"  not taken back with it, if you do not want them: fleetlore undo {', '.join(found['left'])}")
    return lines


def _done(found: dict[str, Any]) -> str:
    changed = counted(len(found["acts"]), "item") + " changed"
    acts = f" ({_counts(found['acts'])})" if found["acts"] else ""
    how = hint(f"to take it back: fleetlore undo {found['plan']}")
    return f"revoked {found['revoked']}: {changed}{acts}\n{how}"
