"""Bodies: read whole before anything is done with them, within bounds of size, time and depth."""

import anyio
from mcp_types import jsonrpc_message_adapter
from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from fleetlore.server.access.settings import Limits
from fleetlore.server.access.turned_away import TurnedAway, speaks_protocol


async def read_body(scope: Scope, receive: Receive, limits: Limits) -> bytes:
    """The body of a request: JSON, a message where the protocol is spoken, or nothing where nothing is sent.

    Raises `TurnedAway`, and `ClientDisconnect`.

    The parser itself refuses what is nested deeper than 200 levels.
    """
    headers = Headers(scope=scope)
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise TurnedAway(415, "the body is compressed, which this server does not take. Send it as it is.")
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.request_bytes:
        raise _too_large(limits)
    body = bytearray()
    with anyio.move_on_after(limits.body_seconds) as arriving:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            if len(body) > limits.request_bytes:
                raise _too_large(limits)
            if not message.get("more_body", False):
                break
    if arriving.cancelled_caught:
        sentence = f"the body did not arrive within {limits.body_seconds:g} seconds. Send it again, all at once."
        raise TurnedAway(408, sentence, headers={"Connection": "close"})
    if body or scope["method"] == "POST":
        _check(headers, body, is_message=speaks_protocol(scope["path"]))
    return bytes(body)


def _check(headers: Headers, body: bytearray, *, is_message: bool) -> None:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise TurnedAway(415, "the body is not declared to be JSON. Send it with Content-Type: application/json.")
    try:
        said = from_json(body, allow_inf_nan=False, cache_strings="none")
    except ValueError as error:
        raise TurnedAway(400, "the body is no JSON, or nested deeper than 200 levels. Mend it.") from error
    if not is_message:
        return
    try:  # the SDK would answer, and log, with a long account of what it found
        jsonrpc_message_adapter.validate_python(said, by_name=False)
    except ValueError as error:
        sentence = 'the body is no JSON-RPC message: one object with "jsonrpc": "2.0", method and params. Mend it.'
        raise TurnedAway(400, sentence) from error


def _too_large(limits: Limits) -> TurnedAway:
    return TurnedAway(413, f"the body is longer than {limits.request_bytes:,} bytes. Send less at a time.")
