"""The gate: every request by the network passes it, whatever it asks for, before anything else sees it.

In this order: from where it comes, whose it is, how much that caller has taken, its body, and how long it takes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv6Address, ip_network
from ipaddress import ip_address as parsed
from types import MappingProxyType
from typing import Any

import anyio
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.authentication import AuthCredentials
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fleetlore.kmu.access import Principal
from fleetlore.server.access.bodies import read_body
from fleetlore.server.access.buckets import Buckets
from fleetlore.server.access.complaints import Complaints
from fleetlore.server.access.settings import Access
from fleetlore.server.access.sources import Sources
from fleetlore.server.access.turned_away import TurnedAway
from fleetlore.server.access.verifying import Rejected, Verifier
from fleetlore.storage.errors import FleetloreError, Refusal

HEALTH = "/healthz"
_NO_CHALLENGE: Mapping[str, str] = MappingProxyType({})


class Gate:
    """An application behind its gate. The verified agent is the SDK's `get_access_token().client_id`.

    `challenge` is what a 401 says in `WWW-Authenticate` besides; who asks for one of the `public` paths needs no token.
    `alive` is what is told of the server's health without one.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        verifiers: Sequence[Verifier],
        *,
        listening: str,
        alive: Callable[[], Mapping[str, Any]],
        challenge: Mapping[str, str] = _NO_CHALLENGE,
        public: frozenset[str] = frozenset(),
    ) -> None:
        self._app = AuthContextMiddleware(app)
        self._access = access
        self._verifiers = verifiers
        self._alive = alive
        self._challenge = challenge
        self._public = public
        self._sources = Sources(
            listening=listening,
            hosts=frozenset(host.lower() for host in access.hosts),
            origins=frozenset(origin.lower().rstrip("/") for origin in access.origins),
        )
        # Pages of allowed origins must be told so by their browser's rules; it asks without a token.
        self._known_source: ASGIApp = self._admit
        if access.origins:
            self._known_source = CORSMiddleware(
                self._admit,
                allow_origins=access.origins,
                allow_methods=("GET", "POST", "DELETE"),
                allow_headers=("*",),
                expose_headers=("Mcp-Session-Id", "WWW-Authenticate", "Retry-After"),
            )
        self._calls = Buckets(access.limits.calls_per_minute)
        self._bytes = Buckets(access.limits.bytes_per_minute)
        self._complaints = Complaints()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check_source(Headers(scope=scope))
        except TurnedAway as turned:
            await self._turn_away(turned, scope, receive, send)
        else:
            await self._known_source(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request from a source that counts."""
        try:
            await self._pass(scope, receive, send)
        except TurnedAway as turned:
            await self._turn_away(turned, scope, receive, send)
        except Refusal as refused:
            await self._turn_away(TurnedAway(403, str(refused)), scope, receive, send)
        except FleetloreError as error:
            await self._turn_away(TurnedAway(503, str(error)), scope, receive, send)
        except ClientDisconnect:
            return  # nobody is left to answer

    async def _turn_away(self, turned: TurnedAway, scope: Scope, receive: Receive, send: Send) -> None:
        self._complaints.note(_address(scope), scope["path"], turned.reason)
        await turned.response(scope["path"])(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = await self._caller(Headers(scope=scope))
        who = ("agent", caller.agent) if isinstance(caller, Principal) else ("address", _block(_address(scope)))
        self._check_rate(self._calls.take(who))
        if isinstance(caller, Rejected) and scope["path"] not in self._public:
            if scope["path"] == HEALTH:
                await JSONResponse(self._alive())(scope, receive, send)
                return
            raise self._unauthorised(caller)
        body = await read_body(scope, receive, self._access.limits)
        self._check_rate(self._bytes.take(who, len(body)))
        if isinstance(caller, Principal):
            scope["user"] = AuthenticatedUser(
                AccessToken(token="", client_id=caller.agent, scopes=sorted(caller.scopes))  # the text stays out
            )
            scope["auth"] = AuthCredentials(scope["user"].scopes)
        await self._answer(scope, _replaying(body, receive), send)

    def _check_source(self, headers: Headers) -> None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._sources.takes_host(host):
            sentence = "this server is not known by the name in the Host header. Start it with --allow-host NAME."
            raise TurnedAway(421, sentence, reason=f"called as {host[:100]!r}")
        if origin is not None and not self._sources.takes_origin(origin, host):
            sentence = "pages of this origin may not call this server. Start it with --allow-origin ORIGIN."
            raise TurnedAway(403, sentence, reason=f"called by a page of {origin[:100]!r}")

    async def _caller(self, headers: Headers) -> Principal | Rejected | None:
        """Who calls; None where nobody is asked for a token."""
        if not await self.in_force():
            return None
        given = headers.getlist("authorization")
        if not given:
            return Rejected(reason="no token")
        scheme, _, token = given[0].partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer":
            return Rejected(reason="no bearer token")
        token = token.strip()
        for verifier in self._verifiers:
            if verifier.recognises(token):
                return await verifier.verify(token)
        return Rejected(reason="malformed")

    async def in_force(self) -> bool:
        """Whether everybody needs a token."""
        if self._access.required:
            return True
        for verifier in self._verifiers:
            if await verifier.in_force():
                return True
        return False

    def _unauthorised(self, rejected: Rejected) -> TurnedAway:
        missing = rejected.reason == "no token"
        told = "there is no token with it" if missing else "its token does not count: it is wrong, has expired or ended"
        also = "; a token of the identity provider counts as well" if self._challenge else ""
        challenge = {"realm": "fleetlore", **self._challenge, **({} if missing else {"error": "invalid_token"})}
        return TurnedAway(
            401,
            f"this request is not let in: {told}. Send one that counts as Authorization: Bearer flt_…; "
            f"whoever runs the server makes one with: fleetlore token create --agent NAME{also}",
            reason=rejected.reason,
            headers={
                "WWW-Authenticate": "Bearer " + ", ".join(f'{name}="{value}"' for name, value in challenge.items())
            },
        )

    def _check_rate(self, wait: float) -> None:
        if wait:
            seconds = max(1, math.ceil(wait))
            raise TurnedAway(
                429,
                f"that is more than one caller may send in a minute. Wait {seconds} seconds and send it again.",
                headers={"Retry-After": str(seconds)},
            )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application's answer, which must begin in time; how long a stream then lasts is its own affair."""
        seconds = self._access.limits.call_seconds
        begun = False
        with anyio.move_on_after(seconds) as time:

            async def send_in_time(message: Message) -> None:
                nonlocal begun
                begun, time.deadline = True, math.inf
                await send(message)

            await self._app(scope, receive, send_in_time)
        if time.cancelled_caught:
            raise TurnedAway(504, f"no answer was ready after {seconds:g} seconds. Send it again once.")
        if not begun:  # the SDK says nothing to who wants to go on with a stream of which nothing was kept
            raise TurnedAway(400, "there is nothing here to go on with: streams are not kept. Send a new request.")


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read, then whatever comes."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _address(scope: Scope) -> str:
    return scope["client"][0] if scope["client"] else ""


def _block(address: str) -> str:
    """What counts as one caller: an address, of version 6 all that one line has."""
    try:
        known = parsed(address)
    except ValueError:
        return address
    return str(ip_network((known, 64), strict=False)) if isinstance(known, IPv6Address) else address
