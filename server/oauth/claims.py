"""What the claims of a verified token come to: which agent it speaks for, and what that agent may do."""

from collections.abc import Mapping
from typing import Any, get_args

from fleetlore.kmu.access import Principal, Scope
from fleetlore.server.access.verifying import Rejected
from fleetlore.server.oauth.names import agent_of
from fleetlore.server.oauth.settings import OAuth

_LONGEST = 1_000  # characters of what names an agent
_SCOPES: tuple[Scope, ...] = get_args(Scope)


def principal_of(claims: Mapping[str, Any], oauth: OAuth) -> Principal | Rejected:
    """The agent with its scopes. One whose token says nothing of scopes has none, and may do nothing."""
    named = claims.get(oauth.agent_claim)
    if not isinstance(named, str) or not named.strip() or len(named) > _LONGEST:
        return Rejected(reason=f"its {oauth.agent_claim} names no agent")
    said = _words(claims, oauth)
    return Principal(
        agent=agent_of(named),
        scopes=frozenset(scope for scope in _SCOPES if f"{oauth.scope_prefix}{scope}" in said),
    )


def _words(claims: Mapping[str, Any], oauth: OAuth) -> set[str]:
    """The scopes as the issuer writes them: words with spaces between, or a list."""
    said = claims.get(oauth.scope_claim) if oauth.scope_claim else claims.get("scope", claims.get("scp"))
    if isinstance(said, str):
        return set(said.split())
    return {word for word in said if isinstance(word, str)} if isinstance(said, list) else set()
