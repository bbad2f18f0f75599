"""Identity: whose knowledge this is. A name is settled once and never guessed at where somebody else has said it."""

import getpass
import re
import unicodedata
from collections.abc import Iterable

from fleetlore.kmu.access import Principal, scopes_among
from fleetlore.storage.errors import Refusal
from fleetlore.storage.records import ITSELF, AgentName

ANONYMOUS = AgentName("anonymous")

_OTHER = re.compile(r"[^A-Za-z0-9._@-]+")
_LONGEST = 64


def folded(name: str) -> AgentName:
    """A name as agents have them: other characters become `-`, at most 64 are kept.

    Raises `Refusal` for a name of which no letter or digit would be left: such names would all be one agent.
    """
    short = _OTHER.sub("-", unicodedata.normalize("NFKC", name).strip())[:_LONGEST]
    if not any(character.isalnum() for character in short):
        raise Refusal("agent", f"{name!r} has no letter or digit from A to Z and 0 to 9", "Use a name that has some")
    return AgentName(short)


def speaking(name: str) -> AgentName:
    """A name as an agent may have it: `folded`, and not that of the memory itself. Raises `Refusal`."""
    agent = folded(name)
    if _is_itself(agent):
        raise Refusal("agent", f"{agent} is the name in which the memory acts by itself", "Choose another name")
    return agent


def _is_itself(name: str) -> bool:
    return name.casefold() == ITSELF


def identify(*, settled: str, argument: str, client: str) -> AgentName:
    """The agent: the settled name, else the argument, else the client at this user, else `anonymous`.

    Raises `Refusal` if the argument names somebody else than the settled name.
    """
    if settled:
        if argument and folded(argument) != folded(settled):
            raise Refusal(
                "agent", f"this server speaks for {folded(settled)}, not for {folded(argument)}", "Leave agent out"
            )
        return folded(settled)
    if argument.strip():
        return speaking(argument)
    return folded(f"{client}@{_user()}") if client else ANONYMOUS


def verified(agent: str, scopes: Iterable[str], *, argument: str) -> Principal:
    """The agent whose token came with the request. Raises `Refusal` if the argument names somebody else."""
    if argument.strip() and folded(argument) != agent:
        raise Refusal(
            "agent", f"the token that came with this is {agent}'s, not {folded(argument)}'s", "Leave agent out"
        )
    return Principal(agent=AgentName(agent), scopes=scopes_among(scopes))


def person(named: str = "") -> AgentName:
    """Who uses the command line: the name given, else the local user's. Raises `Refusal`."""
    if named:
        return speaking(named)
    user = _user()  # that of an installed service may well have the memory's name
    return folded(f"{user}@local" if _is_itself(user) else user)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run under a user id without a name
        return "local"
