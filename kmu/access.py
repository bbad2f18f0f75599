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
    "undo of an edit, an import or a revocation",
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
    "receipts and reports of others",
    "fleetlore status",
    "fleetlore gaps",
    "fleetlore report",
    "fleetlore add",
    "fleetlore search",
    "fleetlore show",
    "fleetlore why",
    "fleetlore edit",
    "fleetlore prune",
    "fleetlore undo",
    "fleetlore import",
    "fleetlore export",
    "fleetlore consolidate",
    "fleetlore check",
    "fleetlore backup",
    "fleetlore restore",
    "fleetlore rebuild",
    "fleetlore completion",
    "fleetlore agents",
    "fleetlore token",
    "fleetlore revoke",
    "fleetlore audit",
    "fleetlore forget",
]

SCOPES: frozenset[Scope] = frozenset(("read", "write", "prune", "admin"))
NEEDS: Mapping[Way, Scope] = MappingProxyType(
    {
        "retrieve_knowledge": "read",
        "submit_feedback": "write",
        "prune": "prune",
        "undo of an edit, an import or a revocation": "admin",
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
        "receipts and reports of others": "admin",
        "fleetlore status": "read",
        "fleetlore gaps": "admin",
        "fleetlore report": "admin",
        "fleetlore add": "write",
        "fleetlore search": "read",
        "fleetlore show": "read",
        "fleetlore why": "read",
        "fleetlore edit": "admin",
        "fleetlore prune": "admin",
        "fleetlore undo": "admin",
        "fleetlore import": "admin",
        "fleetlore export": "read",
        "fleetlore consolidate": "admin",
        "fleetlore check": "admin",
        "fleetlore backup": "admin",
        "fleetlore restore": "admin",
        "fleetlore rebuild": "admin",
        "fleetlore completion": "admin",
        "fleetlore agents": "read",
        "fleetlore token": "admin",
        "fleetlore revoke": "admin",
        "fleetlore audit": "admin",
        "fleetlore forget": "admin",
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


def permitted(principal: Principal, way: Way) -> bool:
    """Whether a caller has the scope that the way needs."""
    return NEEDS[way] in principal.scopes


def authorise(principal: Principal, way: Way) -> None:
    """Lets a caller pass; raises `Forbidden` if it lacks the scope that the way needs."""
    if not permitted(principal, way):
        raise Forbidden(principal.agent, way, NEEDS[way])


def reach(principal: Principal) -> AgentName | None:
    """Whose receipts and reports a caller may be told of: its own; None stands for everybody's.

    Nobody's reach goes as far as the words of another agent's own items.
    """
    return None if permitted(principal, "receipts and reports of others") else principal.agent
