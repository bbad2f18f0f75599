"""Bodies: read whole before anything is done with them, within bounds of size, time and depth."""

from collections.abc import Mapping

import anyio
from pydantic_core import from_json
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from fleetlore.server.access.settings import Limits
from fleetlore.server.access.turned_away import TurnedAway


async def read_body(headers: Mapping[str, str], receive: Receive, limits: Limits) -> bytes:
    """The body of a request, which is empty or JSON. Raises `TurnedAway`, and `ClientDisconnect`.

    The parser itself refuses what is nested deeper than 200 levels.
    """
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
    if body:
        _check(headers, body)
    return bytes(body)


def _check(headers: Mapping[str, str], body: bytearray) -> None:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise TurnedAway(415, "the body is not declared to be JSON. Send it with Content-Type: application/json.")
    try:
        from_json(body, allow_inf_nan=False, cache_strings="none")
    except ValueError as error:
        raise TurnedAway(400, "the body is no JSON, or nested deeper than 200 levels. Mend it.") from error


def _too_large(limits: Limits) -> TurnedAway:
    return TurnedAway(413, f"the body is longer than {limits.request_bytes:,} bytes. Send less at a time.")
