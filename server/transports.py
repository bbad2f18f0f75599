"""Transports: stdio for one client, HTTP for a fleet (streamable at /mcp, legacy SSE at /sse, health at /healthz)."""

import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import anyio
import uvicorn
from mcp.server import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from fleetlore.server.settings import Settings
from fleetlore.storage.errors import Refusal

logger = logging.getLogger(__name__)

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_GRACE_SECONDS = 1


async def serve_stdio(server: MCPServer[None]) -> None:
    """Serves one client until its input ends or a signal comes."""

    async def stop_on_signal(scope: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_on_signal, tasks.cancel_scope)
        await server.run_stdio_async()
        tasks.cancel_scope.cancel()


def http_app(server: MCPServer[None], status: Callable[[], Awaitable[dict[str, Any]]], host: str) -> Starlette:
    """One application with every route; its lifespan is the server's."""

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse(await status())

    # Stateless: sessions would die with a restart, and cost memory each.
    app = server.streamable_http_app(stateless_http=True, json_response=True, host=host)
    app.router.routes.extend(server.sse_app(host=host).routes)
    app.router.routes.append(Route("/healthz", healthz, methods=["GET"]))
    return app


async def serve_http(
    server: MCPServer[None], status: Callable[[], Awaitable[dict[str, Any]]], settings: Settings
) -> None:
    """Serves a fleet until a signal comes. Raises `Refusal` where it may not or cannot listen."""
    if settings.host not in _LOOPBACK:
        raise Refusal(
            "--host",
            f"{settings.host} is not a loopback address, and anybody there could read and write without authentication",
            "Listen on 127.0.0.1",
        )
    with closing(_listening(settings.host, settings.port)) as listener:
        config = uvicorn.Config(
            http_app(server, status, settings.host),
            lifespan="on",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        logger.warning("fleetlore listens on http://%s:%s/mcp", settings.host, listener.getsockname()[1])
        await uvicorn.Server(config).serve(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=1024)
        # asyncio sets this only on sockets that it made itself; without it every answer waits 40 ms for an ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise Refusal(
            "--port", f"{host}:{port} cannot be listened on ({error.strerror})", "Choose another with --port"
        ) from error
