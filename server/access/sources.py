"""Sources: by which names a server is called, and from which pages in a browser.

A page anywhere can make a browser send requests to this machine (its Origin tells), or make its own name point here
(then the Host tells). A page cannot do the latter with an address, so that addresses are no danger in a Host.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """The names and origins that count, beside those that follow from the address `listening` on."""

    listening: str
    hosts: frozenset[str]
    origins: frozenset[str]

    def takes_host(self, header: str) -> bool:
        """Whether the server is called by a name of its own; `name:port` allows that port alone."""
        found = _HOST.fullmatch(header)
        if found is None:
            return False
        name = found[1].strip("[]").lower().rstrip(".")
        if is_loopback(name) or name == self.listening.lower():
            return True
        if f"{name}:{found[2]}" in self.hosts or name in self.hosts:
            return True
        return not is_loopback(self.listening) and _is_address(name)

    def takes_origin(self, header: str, host: str) -> bool:
        """Whether pages of that origin may call: the server's own, those allowed, and on this machine those of it."""
        if header.lower().rstrip("/") in self.origins:
            return True
        try:
            parts = urlsplit(header)
            port = str(parts.port or _PORTS.get(parts.scheme, ""))
        except ValueError:
            return False
        if parts.scheme not in _PORTS or not parts.hostname:
            return False
        if is_loopback(self.listening):
            return is_loopback(parts.hostname)
        own = _HOST.fullmatch(host)
        return own is not None and (own[1].strip("[]").lower(), own[2] or _PORTS[parts.scheme]) == (
            parts.hostname,
            port,
        )


def is_host(text: str) -> bool:
    """Whether it could stand in a Host header."""
    return _HOST.fullmatch(text) is not None


def is_origin(text: str) -> bool:
    """Whether it could stand in an Origin header, for a page that came over the network."""
    scheme, _, host = text.rstrip("/").partition("://")
    return scheme.lower() in _PORTS and is_host(host)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    return host.lower() == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
