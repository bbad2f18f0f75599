"""What an operator chooses of who may come in by the network, and how much one caller may take."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a request may take, and what a caller may in a minute: an agent, or an address where nobody logs in.

    0 calls or bytes a minute are as many as one likes. A caller may take a minute's worth at once. `body_seconds` is
    how long a request may take to arrive, `call_seconds` how long its answer may take to begin.
    """

    request_bytes: int = 4 * 1024 * 1024
    calls_per_minute: int = 6_000
    bytes_per_minute: int = 256 * 1024 * 1024
    body_seconds: float = 10.0
    call_seconds: float = 60.0
    connections: int = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Who may come in by the network.

    Everybody needs a token as soon as there ever was one; with `required` even before. Without either, only a loopback
    address is listened on, unless `anonymous_network`. `hosts` and `origins` are taken beside those that follow from
    the address.
    """

    required: bool = False
    anonymous_network: bool = False
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def scheme(self) -> str:
        """What addresses of the server begin with."""
        return "https" if self.certificate else "http"
