"""`fleetlore token`: who may come in by the network."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import click

from fleetlore.kmu.access import SCOPES, Scope
from fleetlore.server.access import issuing
from fleetlore.server.access.lifetime import Lifetime
from fleetlore.server.command_group import commands, data_option, json_option, tell, with_ledger
from fleetlore.server.identity import person
from fleetlore.server.people.lines import counted, hint, moment
from fleetlore.storage.errors import Refusal
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.tokens import Token


class _Scopes(click.ParamType[tuple[Scope, ...]]):
    """Scopes with commas between them."""

    name = "scopes"

    def convert(
        self, value: str | tuple[Scope, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Scope, ...]:
        """The scopes that the text names."""
        if not isinstance(value, str):
            return value
        named = tuple(sorted({one.strip() for one in value.split(",")}))
        if not SCOPES.issuperset(named):
            self.fail(f"{value!r} is no list of {', '.join(sorted(SCOPES))}, such as read,write.", param, ctx)
        return cast("tuple[Scope, ...]", named)


_expires_option = click.option(
    "--expires", type=Lifetime(endless=True), default="90d", help="When it ends: 90d, 12h or never."
)


@commands.group()
def token() -> None:
    """Make, list and end the tokens by which agents come in over HTTP.

    As soon as there is one, every server on the data asks everybody for a token, at once and for good.
    """


@token.command()
@click.option("--agent", required=True, help="Whose token it is: everything done with it is done in this name.")
@click.option("--scope", type=_Scopes(), default="read,write", help="What it allows: read, write, prune, admin.")
@_expires_option
@click.option("--allow-lookalike", is_flag=True, help="Also a name that people may take for another agent's.")
@data_option
@json_option
def create(
    agent: str, scope: tuple[Scope, ...], expires: timedelta | None, allow_lookalike: bool, data: Path, as_json: bool
) -> None:
    """Make a token and show it, once: only its hash is kept.

    The token alone goes to stdout, what it is to stderr.
    """
    made, text = with_ledger(
        data,
        "",
        lambda ledger: issuing.issue(ledger, agent, scope, expires, by=person(), lookalike=allow_lookalike),
        new=True,
    )
    _show(made, text, as_json)


@token.command("list")
@data_option
@json_option
def list_tokens(data: Path, as_json: bool) -> None:
    """Show every token there ever was: whose it is, what it allows, how long, and when its agent was last seen."""

    async def work(ledger: Ledger) -> list[dict[str, Any]]:
        now = ledger.clock()
        return [_described(each, now, seen) for each, seen in await ledger.tokens.tokens()]

    tell(with_ledger(data, "", work), as_json, _listed)


@token.command()
@click.argument("id", metavar="ID")
@_expires_option
@click.option(
    "--grace", type=Lifetime(), default="0m", help="How long the old one still counts, such as 1h; 0m ends it at once."
)
@data_option
@json_option
def rotate(id: str, expires: timedelta | None, grace: timedelta, data: Path, as_json: bool) -> None:
    """Make a new token in the place of one, for the same agent and with the same scopes.

    The old one ends at once, or, so that its agent can change over, when --grace is over.
    """
    old, new, text = with_ledger(data, "", lambda ledger: issuing.rotate(ledger, id, expires, grace, by=person()))
    assert old.expires_at is not None
    _show(new, text, as_json, f"{old.id} ends {f'at {_when(old.expires_at)}' if grace else 'now'}. ")


@token.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--agent", default="", show_default=False, help="All tokens of this agent.")
@data_option
@json_option
def revoke(ids: tuple[str, ...], agent: str, data: Path, as_json: bool) -> None:
    """End tokens for good, at once."""
    if bool(ids) == bool(agent):
        raise Refusal("ID", "what to end is not clear", "Give ids (t_…), or --agent for all of an agent's")
    ended = with_ledger(data, "", lambda ledger: issuing.revoke(ledger, ids, agent, by=person()))
    tell({"revoked": ended}, as_json, lambda _: f"{counted(len(ended), 'token')} revoked{_these(ended)}")


def _these(ids: Sequence[str]) -> str:
    return f": {', '.join(ids)}" if ids else ", as they had been before"


def _show(made: Token, text: str, as_json: bool, before: str = "") -> None:
    described = {name: value for name, value in _described(made, made.created_at, None).items() if name != "seen_at"}
    tell({"token": text, **described}, as_json, lambda _: text)
    if as_json:
        return
    until = f"until {_when(made.expires_at)}" if made.expires_at else "for ever"
    click.echo(f"{before}{made.id}: {made.agent} may {', '.join(made.scopes)} {until}. Nobody sees it again.", err=True)
    click.echo(
        hint(
            "Keep it in the agent's environment, as FLEETLORE_TOKEN, and connect: "
            "fleetlore install claude-code --url https://HOST/mcp --token-env FLEETLORE_TOKEN"
        ),
        err=True,
    )


def _described(one: Token, now: datetime, seen: datetime | None) -> dict[str, Any]:
    return {
        "id": one.id,
        "agent": one.agent,
        "scopes": list(one.scopes),
        "state": one.ended(now) or "valid",
        "created_at": one.created_at.isoformat(),
        "expires_at": one.expires_at.isoformat() if one.expires_at else None,
        "revoked_at": one.revoked_at.isoformat() if one.revoked_at else None,
        "seen_at": seen.isoformat() if seen else None,
    }


def _listed(found: Sequence[dict[str, Any]]) -> str:
    if not found:
        return "no tokens: over HTTP only this machine can come in, and everybody there\n" + hint(
            "to make one: fleetlore token create --agent NAME"
        )
    return "\n".join(
        f"{one['id']}  {one['state']:7}  {one['agent']}  {','.join(one['scopes'])}  "
        f"{'ends ' + moment(one['expires_at']) if one['expires_at'] else 'never ends'}"
        f"{', seen ' + moment(one['seen_at']) if one['seen_at'] else ''}"
        for one in found
    )


def _when(at: datetime) -> str:
    return moment(at.isoformat()) + " UTC"
