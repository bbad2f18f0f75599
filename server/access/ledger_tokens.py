"""Verifying the tokens that the ledger knows: looked up at every call, so that a revoked one ends at once."""

import hmac
from collections.abc import Callable
from datetime import datetime

from fleetlore.kmu.access import Principal, scopes_among
from fleetlore.server.access.secret import PREFIX, hash_of, id_in
from fleetlore.server.access.verifying import Rejected
from fleetlore.storage.tokens import TokenView

_NOBODYS = hash_of("")


class LedgerTokens:
    """A `Verifier` of the ledger's tokens."""

    def __init__(self, tokens: TokenView, clock: Callable[[], datetime]) -> None:
        self._tokens = tokens
        self._clock = clock
        self._in_force = False

    def recognises(self, token: str) -> bool:
        """Whether it begins like one of ours."""
        return token.startswith(PREFIX)

    async def verify(self, token: str) -> Principal | Rejected:
        """Compares hashes in constant time, also where there is no such token."""
        wanted = id_in(token)
        if wanted is None:
            return Rejected(reason="malformed")
        found = await self._tokens.token(wanted)
        equal = hmac.compare_digest(hash_of(token), _NOBODYS if found is None else found.hash)
        if found is None:
            return Rejected(reason="unknown")
        if not equal:
            return Rejected(reason=f"wrong secret for {found.id}")
        if ended := found.ended(self._clock()):
            return Rejected(reason=f"{found.id} {ended}")
        return Principal(agent=found.agent, scopes=scopes_among(found.scopes))

    async def in_force(self) -> bool:
        """Whether a token was ever made; once that is so, it stays so."""
        self._in_force = self._in_force or await self._tokens.any_token()
        return self._in_force
