"""Asking the issuer for its keys: over HTTPS, within limits, and nowhere but where it says itself."""

import json

import anyio
import httpx2
from mcp.client.auth.utils import build_oauth_authorization_server_metadata_discovery_urls

from fleetlore.server.access.sources import is_loopback
from fleetlore.server.address import address_of
from fleetlore.server.oauth.keys import Keys, usable_keys
from fleetlore.server.oauth.settings import KEYS, OAuth
from fleetlore.storage.errors import IssuerFault, Refusal

_PATIENCE_SECONDS = 5
_MOST_BYTES = 500_000
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


async def published_keys(oauth: OAuth, client: httpx2.AsyncClient) -> Keys:
    """What the issuer signs its tokens with now. Raises `IssuerFault`."""
    try:
        with anyio.fail_after(_PATIENCE_SECONDS):
            return usable_keys(await _json_at(oauth.jwks or await _address_of_keys(oauth.issuer, client), client))
    except TimeoutError:
        raise IssuerFault(f"it took longer than {_PATIENCE_SECONDS} s") from None


async def _address_of_keys(issuer: str, client: httpx2.AsyncClient) -> str:
    """Where the issuer's metadata (RFC 8414, or OpenID Connect Discovery) say that its keys are."""
    fault = IssuerFault(f"it publishes no metadata; name the address of its keys with {KEYS}")
    for url in build_oauth_authorization_server_metadata_discovery_urls(issuer, issuer):
        try:
            metadata = await _json_at(url, client, may_lack=True)
            if metadata is not None:
                return _named_in(metadata, url, issuer)
        except IssuerFault as other:
            fault = other
    raise fault


def _named_in(metadata: object, url: str, issuer: str) -> str:
    if not isinstance(metadata, dict) or not isinstance(address := metadata.get("jwks_uri"), str):
        raise IssuerFault(f"its metadata at {url} name no jwks_uri; name it with {KEYS}")
    if metadata.get("issuer") != issuer:
        named = str(metadata.get("issuer"))[:200]
        raise IssuerFault(f"its metadata at {url} are those of {named!r}, which --oauth-issuer must equal")
    try:
        parts = address_of(address, "jwks_uri")
    except Refusal:
        raise IssuerFault(f"its metadata at {url} name a jwks_uri that is no address") from None
    if parts.scheme == "http" and not (is_loopback(parts.hostname or "") and issuer.startswith("http:")):
        raise IssuerFault(f"its metadata at {url} name a jwks_uri over plain http")
    return address


async def _json_at(url: str, client: httpx2.AsyncClient, *, may_lack: bool = False) -> object:
    body = b""
    try:
        async with client.stream("GET", url, headers=_HEADERS) as response:
            if response.is_client_error and may_lack:
                return None
            if response.status_code != httpx2.codes.OK:
                raise IssuerFault(f"{url} answers {response.status_code}")
            # Raw: what is compressed all the same must not unfold without a limit.
            async for block in response.aiter_raw():
                body += block
                if len(body) > _MOST_BYTES:
                    raise IssuerFault(f"{url} answers with more than {_MOST_BYTES:,} bytes")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise IssuerFault(f"{url} cannot be reached ({type(error).__name__})") from error
    try:
        said: object = json.loads(body)
    except (ValueError, RecursionError):
        raise IssuerFault(f"{url} answers with something that is no JSON") from None
    return said
