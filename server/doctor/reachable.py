"""Whether a server starts and answers here, and whether one answers at an address."""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any

import anyio

from fleetlore.server.asking import asked
from fleetlore.server.doctor.finding import Finding, failure, warning, well
from fleetlore.server.hooks.remote import ROUTE
from fleetlore.server.people.lines import one_line

_PATIENCE_SECONDS = 20
_HTTP_PATIENCE_SECONDS = 3
_CLOCK_TOLERANCE = timedelta(minutes=1)
USUAL_ADDRESS = "http://127.0.0.1:8717/mcp"


async def starts(data: Path) -> Finding:
    """Starts a server over stdio, as an assistant does, and asks for its tools."""
    from mcp import Client  # noqa: PLC0415  the SDK takes most of a second to import
    from mcp.client.stdio import StdioServerParameters, stdio_client  # noqa: PLC0415

    arguments = ["-m", "fleetlore.server", "serve", "--data", str(data)]
    began = time.monotonic()
    try:
        with anyio.fail_after(_PATIENCE_SECONDS):
            parameters = StdioServerParameters(command=sys.executable, args=arguments)
            async with Client(stdio_client(parameters)) as client:
                tools = (await client.list_tools()).tools
    except Exception as error:  # the edge of another process: whatever went wrong in it is what was found
        return failure(
            "stdio server",
            f"it does not start: {_innermost(error)}",
            f"See what it says: {sys.executable} {' '.join(arguments)}",
        )
    return well("stdio server", f"answers with {len(tools)} tools after {time.monotonic() - began:.1f} s")


def answers(address: str, *, subject: str = "HTTP server", asked_for: bool, token: str = "") -> Iterator[Finding]:
    """Asks a server over HTTP how it is, and whether it lets this token in; compares its clock with ours."""
    before = datetime.now(UTC)
    try:
        health, found, clock = _asked(address, token)
    except (OSError, ValueError, HTTPException) as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, HTTPException) else error
        seen = f"nothing healthy answers at {one_line(address)} ({one_line(str(getattr(error, 'reason', reason)))})"
        if asked_for:
            yield failure(subject, seen, "Start it there: fleetlore serve --transport http; or mend the address")
        else:
            yield well(subject, "none here, which only a fleet that shares one needs")
        return
    if degraded := found.get("degraded"):
        parts = "; ".join(f"{name}: {reason}" for name, reason in degraded.items())
        yield warning(subject, f"{health} is degraded: {parts}", "See its log; restarting it often helps")
    elif "version" in found or not (problem := _kept_out(address, token)):
        yield well(subject, f"{health} answers: {found.get('status', 'it lives')}")
    else:
        yield warning(subject, f"{health} answers, but {problem[0]}", problem[1])
    apart = abs(clock - before) if clock else timedelta(0)
    if apart > _CLOCK_TOLERANCE:
        yield warning("clock", f"the server's clock and this one differ by {apart}", "Set both by a time server")


def _kept_out(address: str, token: str) -> tuple[str, str] | None:
    """What is wrong with the token for a server that tells no more than that it lives, and what to do."""
    question = urllib.request.Request(urllib.parse.urljoin(address, ROUTE), headers=_bearing(token))
    try:
        with asked(question, seconds=_HTTP_PATIENCE_SECONDS):
            return None  # it is none of ours
    except urllib.error.HTTPError as error:
        with error:
            let_in = error.code != HTTPStatus.UNAUTHORIZED
    except (OSError, HTTPException):
        return None
    anew = "Have one made there: fleetlore token create --agent NAME"
    if let_in:
        return ("the token does not have the scope read", anew) if token else None
    if token:
        return "the token is not let in: it is wrong, has expired or was revoked", anew
    return "asks for a token, and none is known here", f"Name its variable with --token-env, or set it. {anew}"


def _bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _asked(address: str, token: str) -> tuple[str, dict[str, Any], datetime | None]:
    """Where a server says how it is, what it says, and its clock; raises `ValueError` where it is none of ours."""
    health = urllib.parse.urljoin(address, "/healthz")
    if urllib.parse.urlsplit(health).scheme not in ("http", "https"):
        raise ValueError("it is no address of the form http://host/mcp")
    try:
        question = urllib.request.Request(health, headers=_bearing(token))
        with asked(question, seconds=_HTTP_PATIENCE_SECONDS) as answer:
            found = json.load(answer)
            date = answer.headers.get("Date")
    except urllib.error.HTTPError as error:
        with error:  # it is an answer too, and holds its connection
            raise ValueError(f"{error.code} {error.reason}") from error
    if not isinstance(found, dict) or not isinstance(found.get("degraded", {}), dict):
        raise ValueError("what answers is no fleetlore")
    clock = parsedate_to_datetime(date) if date else None
    return health, found, clock if clock is None or clock.tzinfo else clock.replace(tzinfo=UTC)


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
