"""The route at which a team's server answers the hooks of assistants elsewhere: JSON in, JSON out."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fleetlore.server.hooks.remote import ROUTE
from fleetlore.storage.errors import FleetloreError, Forbidden, Refusal


def hooks_route(answer: Callable[[object], Awaitable[dict[str, Any]]]) -> Route:
    """The route; what `answer` refuses is a 400 with its sentence, and what it forbids a 403."""

    async def hooks(request: Request) -> Response:
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
    try:
        said: object = from_json(await request.body())
    except ValueError as error:
        raise Refusal("body", "it is no JSON", "Send a JSON object") from error
    return said
