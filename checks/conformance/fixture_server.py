"""fleetlore over HTTP with the conformance suite's fixtures beside its own tools.

    python fixture_server.py DATA PORT [--sessions]

Serves the application that `fleetlore serve --transport http` serves; or the same server with a session for each client
and event streams for answers, which a server needs that sends requests of its own.
"""

import logging
import sys
from functools import partial
from pathlib import Path

import anyio
import uvicorn
from asking_fixtures import add_asking
from content_fixtures import add_content
from mcp.server import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from fleetlore.server.app import SharedMemory, serve_memory
from fleetlore.server.settings import Settings
from fleetlore.server.transports import http_app

HOST = "127.0.0.1"


async def main(data: Path, port: int, *, sessions: bool) -> None:
    """Serves until a signal comes."""
    logging.basicConfig(level=logging.WARNING)
    settings = Settings(data=data)
    shared = SharedMemory(settings)
    server = serve_memory(shared)
    add_content(server)
    add_asking(server)
    async with shared.opened():
        app = _app_with_sessions(server) if sessions else http_app(server, shared, settings)
        await uvicorn.Server(uvicorn.Config(app, host=HOST, port=port, log_config=None, access_log=False)).serve()


def _app_with_sessions(server: MCPServer[None]) -> Starlette:
    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    app = server.streamable_http_app(host=HOST)
    app.router.routes.append(Route("/healthz", healthz))
    return app


if __name__ == "__main__":
    anyio.run(partial(main, Path(sys.argv[1]), int(sys.argv[2]), sessions="--sessions" in sys.argv))
