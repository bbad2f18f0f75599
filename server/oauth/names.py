"""Agents' names from claims: each value its own name, for good, so that no two subjects ever become one agent."""

import base64
import hashlib
import re

from fleetlore.server.identity import folded
from fleetlore.storage.errors import Refusal
from fleetlore.storage.records import ITSELF, AgentName

_PLAIN = re.compile(r"[a-z0-9._@-]{1,64}")
_DIGEST_CHARACTERS = 16  # of five bits each: nobody finds a second value for a name that exists
_MADE = re.compile(rf".*\.[a-z2-7]{{{_DIGEST_CHARACTERS}}}")
_LONGEST_READABLE = 64 - 1 - _DIGEST_CHARACTERS


def agent_of(claim: str) -> AgentName:
    """The agent that a claim's value names: the value itself where it is plain, else made of it and its digest.

    Plain is what nobody can mistake for another: letters in lower case, digits and `._@-`, at most 64. Two values
    that differ in case, in look-alikes or after the 64th character are two agents. A plain value that looks like a
    made name gets a digest too: else its owner could be the agent for whom that name was made; and so does the name
    of the memory itself.
    """
    if _PLAIN.fullmatch(claim) and any(map(str.isalnum, claim)) and not _MADE.fullmatch(claim) and claim != ITSELF:
        return AgentName(claim)
    digest = base64.b32encode(hashlib.sha256(claim.encode("utf-8", "surrogatepass")).digest()).decode().lower()
    return AgentName(f"{_readable(claim)}.{digest[:_DIGEST_CHARACTERS]}")


def _readable(claim: str) -> str:
    try:
        return folded(claim).lower()[:_LONGEST_READABLE].strip("-.") or "agent"
    except Refusal:  # none of its characters can be in a name
        return "agent"
