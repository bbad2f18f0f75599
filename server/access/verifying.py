"""Verifying: whose a bearer token is. The one thing that every sort of token has in common."""

from dataclasses import dataclass
from typing import Protocol

from fleetlore.kmu.access import Principal


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """A token that counts for nothing.

    `reason` is for the server's log alone, such as "expired": it holds nothing of the token. Whoever sent it is told
    no more than that it does not count.
    """

    reason: str


class Verifier(Protocol):
    """Tells whose a token is: one for the tokens of the ledger, one for those of an identity provider.

    The gate asks the first that recognises a token, and no other; a token that none recognises is malformed.
    """

    def recognises(self, token: str) -> bool:
        """Whether the token is of the form that is verified here, by its looks: it may still be anybody's."""
        ...

    async def verify(self, token: str) -> Principal | Rejected:
        """Whose it is, and what that agent may do; takes about as long for a token that is nearly right.

        Raises `Refusal` for an agent that was revoked: that is a 403; and another `FleetloreError` only where it cannot
        tell at all: then nobody is let in, and the answer is a 503.
        """
        ...

    async def in_force(self) -> bool:
        """Whether there is, or ever was, something to verify by: from then on nobody comes in without a token."""
        ...
