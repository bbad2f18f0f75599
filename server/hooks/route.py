"""The route at which a team's server answers the hooks of assistants elsewhere: JSON in, JSON out."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fleetlore.server.hooks.remote import ROUTE
from fleetlore.storage.errors import FleetloreError, Forbidden, Refusal

_MOST_BYTES = 1_000_000
# As the SDK guards its own routes: no page in a browser may reach a server on this machine.
_GUARD = TransportSecurityMiddleware(
    TransportSecuritySettings(
        allowed_hosts=["127.0.0.1:*", "localhost:*", "[::1]:*"],
        allowed_origins=["http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*"],
    )
)


def hooks_route(answer: Callable[[object], Awaitable[dict[str, Any]]]) -> Route:
    """The route; what `answer` refuses is a 400 with its sentence, and what it forbids a 403."""

    async def hooks(request: Request) -> Response:
        if (turned_away := await _GUARD.validate_request(request, is_post=True)) is not None:
            return turned_away
        try:
            return JSONResponse(await answer(await _body(request)))
        except Refusal as refusal:
            refused = {name: getattr(refusal, name) for name in ("argument", "problem", "remedy")}
            return JSONResponse({"error": str(refusal), "refused": refused}, status_code=400)
        except Forbidden as error:
            return JSONResponse({"error": str(error)}, status_code=403)
        except FleetloreError as error:
            return JSONResponse({"error": str(error)}, status_code=503)

    return Route(ROUTE, hooks, methods=["POST"])


async def _body(request: Request) -> object:
    body = b""
    async for block in request.stream():
        body += block
        if len(body) > _MOST_BYTES:
            raise Refusal("body", f"it is longer than {_MOST_BYTES:,} bytes", "Name fewer receipts")
    try:
        said: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal("body", "it is no JSON", "Send a JSON object") from error
    return said
