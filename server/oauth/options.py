"""The options of `fleetlore serve` that name an identity provider."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from fleetlore.server.command_group import ENVIRONMENT
from fleetlore.server.oauth.settings import OAuth

_OPTIONS = {
    "issuer": "Identity provider whose tokens (JWT) are taken over HTTP, by the address in their iss.",
    "audience": "What their aud must name: this server.",
    "resource": "Address at which clients reach this server; else the audience.",
    "jwks": "Address of the issuer's keys; else as its metadata say.",
    "agent_claim": "Claim that names the agent.",
    "scope_claim": "Claim with its scopes; else scope or scp.",
    "scope_prefix": "What stands before a scope's name, as in fleetlore:read.",
}
_DEFAULTS = {"agent_claim": "sub"}


def oauth_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command these options, and what they come to as the argument `oauth`: None without an issuer."""

    @wraps(command)
    def told(*, oauth_share_agents: bool, **others: Any) -> None:  # noqa: ANN401  the command's own options
        given = {name: others.pop(f"oauth_{name}") for name in _OPTIONS}
        configured = any(given[name] != _DEFAULTS.get(name, "") for name in given)
        command(oauth=OAuth(**given, share_agents=oauth_share_agents) if configured else None, **others)

    told = click.option(
        "--oauth-share-agents",
        is_flag=True,
        envvar=f"{ENVIRONMENT}_OAUTH_SHARE_AGENTS",
        help="Let the issuer's tokens speak also for agents that have tokens of fleetlore's own.",
    )(told)
    for name, meaning in reversed(_OPTIONS.items()):
        told = click.option(
            f"--oauth-{name.replace('_', '-')}",
            default=_DEFAULTS.get(name, ""),
            envvar=f"{ENVIRONMENT}_OAUTH_{name.upper()}",
            help=meaning,
        )(told)
    return told
