"""The protocol's floor: a server of one tool that says back what it was told, on the same SDK and the same listener."""

from __future__ import annotations

import sys

import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.routing import Route

server = MCPServer("echo", log_level="WARNING")


@server.tool()
def echo(text: str) -> str:
    """Say it back."""
    return text


def main() -> None:
    """`echo_server.py PORT` listens on loopback; without a port it speaks over stdio."""
    if len(sys.argv) == 1:
        server.run("stdio")
        return
    app = server.streamable_http_app(
        stateless_http=True,
        json_response=True,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    app.router.routes.append(Route("/healthz", lambda _: PlainTextResponse("here")))
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)


if __name__ == "__main__":
    main()
