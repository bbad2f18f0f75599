"""What an operator says of an identity provider whose tokens this server takes."""

from dataclasses import dataclass

from fleetlore.server.access.sources import is_loopback
from fleetlore.server.address import address_of
from fleetlore.storage.errors import Refusal

KEYS = "--oauth-jwks"


@dataclass(frozen=True, kw_only=True, slots=True)
class OAuth:
    """One issuer, and what of its tokens is what here.

    `audience` is this server's name at the issuer, `resource` the address at which clients reach it (the audience, if
    that is one). `jwks` "" means what the issuer's own metadata say. The agent's name is in `agent_claim`; its scopes
    are in `scope_claim` ("": `scope`, else `scp`), each after `scope_prefix`. With `share_agents` a token may speak for
    an agent that has tokens of fleetlore's own.
    """

    issuer: str
    audience: str
    resource: str = ""
    jwks: str = ""
    agent_claim: str = "sub"
    scope_claim: str = ""
    scope_prefix: str = ""
    share_agents: bool = False

    def __post_init__(self) -> None:
        if not self.issuer:
            raise Refusal("--oauth-issuer", "it is missing", "Name the issuer whose tokens are meant")
        if not self.audience:
            raise Refusal(
                "--oauth-audience",
                "without one, tokens made for any other server would be taken here",
                "Give the audience that the issuer puts into tokens for this server",
            )
        _check(self.issuer, "--oauth-issuer")
        if self.jwks:
            _check(self.jwks, KEYS)
        if not self.resource and not self.audience.startswith(("https://", "http://")):
            raise Refusal(
                "--oauth-resource",
                "the audience is no address, and clients must be told one",
                "Give the address at which clients reach this server, such as https://memory.example.com/mcp",
            )
        _check(self.address, "--oauth-resource" if self.resource else "--oauth-audience")
        if not self.agent_claim:
            raise Refusal("--oauth-agent-claim", "it is empty", "Name the claim that says which agent calls")

    @property
    def address(self) -> str:
        """The address at which clients reach this server."""
        return self.resource or self.audience


def _check(url: str, option: str) -> None:
    """Refuses an address to which anybody on the way could answer, and one that holds what it should not."""
    parts = address_of(url, option)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise Refusal(option, "over plain http anybody on the way can forge what is said", "Give an https:// address")
    if parts.username is not None or parts.password is not None or "#" in url or ("?" in url and option != KEYS):
        raise Refusal(option, "it has a user, a query or a fragment", "Give the bare address")
