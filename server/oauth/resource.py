"""What clients are told without a token: who issues tokens for this server (RFC 9728)."""

from urllib.parse import urlsplit

from mcp.server.auth.handlers.metadata import ProtectedResourceMetadataHandler
from mcp.shared.auth import ProtectedResourceMetadata
from starlette.routing import Route

from fleetlore.server.oauth.settings import OAuth

WELL_KNOWN = "/.well-known/oauth-protected-resource"


# What an agent's work needs. Clients ask for whatever they are told of: to prune and to administer is not for all.
_USUAL = ("read", "write")


def host_of(oauth: OAuth) -> str:
    """The name by which clients call this server."""
    return urlsplit(oauth.address).hostname or ""


def challenge(oauth: OAuth) -> dict[str, str]:
    """What a client whose token does not count is told of getting one."""
    return {"resource_metadata": metadata_address(oauth), "scope": " ".join(_usual_scopes(oauth))}


def metadata_address(oauth: OAuth) -> str:
    """Where clients find the metadata, as the answer to a call without a token names it."""
    parts = urlsplit(oauth.address)
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path.rstrip('/')}"


def resource_routes(oauth: OAuth) -> list[Route]:
    """The metadata where the specification has them, and without a path, where clients look next."""
    metadata = ProtectedResourceMetadata.model_validate(
        {
            "resource": oauth.address,
            "authorization_servers": [oauth.issuer],
            "scopes_supported": _usual_scopes(oauth),
            "resource_name": "fleetlore",
        }
    )
    answer = ProtectedResourceMetadataHandler(metadata).handle
    paths = sorted({WELL_KNOWN, urlsplit(metadata_address(oauth)).path})
    return [Route(path, answer, methods=["GET"]) for path in paths]


def _usual_scopes(oauth: OAuth) -> list[str]:
    return [f"{oauth.scope_prefix}{scope}" for scope in _USUAL]
