"""Access: who asks, and what he may do. The one place that every way of asking passes.

A way is anything by which knowledge can be read, added or taken away, whoever offers it: a tool, a resource, a prompt,
a route, a command. Each needs one scope, and none contains another. Which items a caller may see is no matter of
scopes: the general space and its own prompt-specific items, whichever way it asks, as the ledger's queries say.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from fleetlore.storage.errors import Forbidden
from fleetlore.storage.records import AgentName

Scope = Literal["read", "write", "prune", "admin"]
Way = Literal[
    "retrieve_knowledge",
    "submit_feedback",
    "prune",
    "fleetlore://general",
    "fleetlore://prompt/{agent}",
    "fleetlore://item/{id}",
    "fleetlore://gaps",
    "fleetlore://status",
    "start_task",
    "report_outcome",
    "/healthz",
    "/hooks session-start",
    "/hooks stop",
    "/hooks tool-use",
    "/hooks report",
]

SCOPES: frozenset[Scope] = frozenset(("read", "write", "prune", "admin"))
NEEDS: Mapping[Way, Scope] = MappingProxyType(
    {
        "retrieve_knowledge": "read",
        "submit_feedback": "write",
        "prune": "prune",
        "fleetlore://general": "read",
        "fleetlore://prompt/{agent}": "read",
        "fleetlore://item/{id}": "read",
        "fleetlore://gaps": "read",
        "fleetlore://status": "read",
        "start_task": "read",
        "report_outcome": "read",
        "/healthz": "read",
        "/hooks session-start": "read",
        "/hooks stop": "read",
        "/hooks tool-use": "write",
        "/hooks report": "write",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """An agent whose name is settled, and the scopes that it was granted: all of them where nobody had to log in."""

    agent: AgentName
    scopes: frozenset[Scope] = SCOPES


def scopes_among(names: Iterable[str]) -> frozenset[Scope]:
    """Those of the names that are scopes."""
    named = set(names)
    return frozenset(scope for scope in SCOPES if scope in named)


def authorise(principal: Principal, way: Way) -> None:
    """Lets a caller pass; raises `Forbidden` if it lacks the scope that the way needs."""
    needed = NEEDS[way]
    if needed not in principal.scopes:
        raise Forbidden(principal.agent, way, needed)
