"""Sockets that a server listens on."""

import logging
import socket

from fleetlore.storage.errors import Refusal

logger = logging.getLogger(__name__)


def log_address(scheme: str, host: str, listener: socket.socket) -> None:
    """Says where clients connect."""
    logger.warning("fleetlore listens on %s://%s:%s/mcp", scheme, host, listener.getsockname()[1])


def listening(host: str, port: int, *, count: int = 1) -> list[socket.socket]:
    """So many sockets at one address, among which the system shares out who connects; port 0 is any that is free.

    Raises `Refusal` where it cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        if count > 1:  # sockets that share a port would share it with those of another server as well
            socket.create_server((host, port), family=family).close()
        made: list[socket.socket] = []
        for _ in range(count):
            listener = socket.create_server((host, port), family=family, backlog=1024, reuse_port=count > 1)
            # asyncio sets this only on sockets that it made itself; without it every answer waits 40 ms for an ACK.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.append(listener)
            port = listener.getsockname()[1]
        return made
    except OSError as error:
        raise Refusal(
            "--port", f"{host}:{port} cannot be listened on ({error.strerror})", "Choose another with --port"
        ) from error
