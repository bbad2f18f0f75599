"""Verifying tokens of an identity provider: JWTs (RFC 7519) as access tokens have them (RFC 9068)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

import httpx2
import jwt
from jwt.types import Options

from fleetlore.kmu.access import Principal
from fleetlore.server.access.verifying import Rejected
from fleetlore.server.oauth.claims import principal_of
from fleetlore.server.oauth.issuer import published_keys
from fleetlore.server.oauth.key_ring import KeyRing
from fleetlore.server.oauth.keys import ALGORITHMS
from fleetlore.server.oauth.settings import OAuth
from fleetlore.storage.records import AgentName

LEEWAY_SECONDS = 30  # by which clocks may differ
_LONGEST = 16_384  # characters of a token
_REMEMBERED = 1_000  # tokens, the latest used
_LATEST = 2**53  # seconds; what is later, or no number at all, is no time
_TYPES = ("jwt", "at+jwt", "application/at+jwt")
# Times are checked by our own clock, below.
_CHECKS: Options = {
    "require": ["exp", "iss", "aud"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "enforce_minimum_key_length": True,
}


class JwtVerifier:
    """Tells whose a JWT of one issuer is; see `Verifier`.

    A signature that was right is remembered with the key that it was checked by, and so only while the issuer still
    publishes that key, as of its latest answer. Times and agent are looked at in every call.
    """

    def __init__(
        self,
        oauth: OAuth,
        *,
        clock: Callable[[], datetime],
        has_tokens: Callable[[AgentName], Awaitable[bool]],
        refuse_withdrawn: Callable[[AgentName], Awaitable[None]],
    ) -> None:
        self._oauth = oauth
        self._clock = clock
        self._has_tokens = has_tokens
        self._refuse_withdrawn = refuse_withdrawn
        self._client = httpx2.AsyncClient(follow_redirects=False)
        self._claims_of = lru_cache(_REMEMBERED)(self._claims)
        self._keys = KeyRing(oauth.issuer, lambda: published_keys(oauth, self._client), clock)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keeps the issuer's keys at hand."""
        async with self._client, self._keys.opened():
            yield

    def recognises(self, token: str) -> bool:
        """Whether it has the three parts of a JWT, and is none of fleetlore's own."""
        return token.count(".") == 2 and not token.startswith("flt_")

    async def in_force(self) -> bool:
        """Whoever configures an issuer wants nobody in without a token."""
        return True

    def trouble(self) -> str:
        """What is wrong with the issuer's keys and what that means; "" where nothing is."""
        self._keys.refresh()
        return self._keys.trouble()

    async def settled(self) -> None:
        """Waits for the issuer's answer, if it is asked for its keys just now."""
        await self._keys.settled()

    async def verify(self, token: str) -> Principal | Rejected:
        """Whose it is. Raises `IssuerUnreachable` where the key cannot be had, `Refusal` for a revoked agent."""
        try:
            kid, algorithm = _signed_with(token)
            key = await self._keys.key(kid, algorithm)
            if key is None:
                return Rejected(reason="signed with a key that the issuer does not publish")
            claims = self._claims_of(token, key, algorithm)
            _check_times(claims, self._clock().timestamp())
        except jwt.PyJWTError as error:
            return Rejected(reason=_reason(error))
        principal = principal_of(claims, self._oauth)
        if isinstance(principal, Rejected):
            return principal
        if not self._oauth.share_agents and await self._has_tokens(principal.agent):
            return Rejected(reason=f"it names {principal.agent}, an agent with tokens of fleetlore's own")
        await self._refuse_withdrawn(principal.agent)  # the issuer knows nothing of that, and goes on
        return principal

    def _claims(self, token: str, key: jwt.PyJWK, algorithm: str) -> Mapping[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=self._oauth.issuer,
            audience=self._oauth.audience,
            options=_CHECKS,
        )


class _Unfit(jwt.InvalidTokenError):
    """What the library would let pass, or says in other words; its text is our own."""


def _signed_with(token: str) -> tuple[str, str]:
    """The id of the key ("": none) and the algorithm, as a token says, if it can be an access token at all."""
    if len(token) > _LONGEST or not token.isascii():
        raise _Unfit("longer than any token, or not in ASCII")
    # Of the header alone: the library goes through every character of what it is given, each time.
    header = jwt.get_unverified_header(f"{token.partition('.')[0]}..")
    algorithm, kind = header.get("alg"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise _Unfit("unsigned, or signed by an algorithm that is not allowed")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise _Unfit("another type of token than an access token")
    return header.get("kid", ""), algorithm


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    ends, starts = claims["exp"], claims.get("nbf", 0)
    if not _is_time(ends) or not _is_time(starts):
        raise _Unfit("its exp or nbf is no time")
    if now >= ends + LEEWAY_SECONDS:
        raise _Unfit("expired")
    if now < starts - LEEWAY_SECONDS:
        raise _Unfit("not valid yet")


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LATEST


def _reason(error: jwt.PyJWTError) -> str:
    """In our own words: the library's may hold parts of the token."""
    match error:
        case _Unfit():
            return str(error)
        case jwt.InvalidSignatureError():
            return "its signature is wrong"
        case jwt.InvalidAudienceError():
            return "made for another audience"
        case jwt.InvalidIssuerError():
            return "of another issuer"
        case jwt.MissingRequiredClaimError():
            return f"without {error.claim}"
        case _:
            return "malformed"
