"""Hooks whose memory is a team's server: one POST, and what is said when it does not answer."""

import hashlib
import json
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

from fleetlore.server.address import address_of
from fleetlore.server.asking import asked
from fleetlore.server.hooks.requests import Request, body_of
from fleetlore.storage.errors import Refusal, ServerUnreachable

ROUTE = "/hooks"
_PATIENCE_SECONDS = 1.5
_MOST_BYTES = 1_000_000
_LONGEST_REASON = 250  # characters
_ENDPOINTS = ("/mcp", "/sse")


def route_of(url: str) -> str:
    """Where the hooks of the server live whose MCP endpoint, or root, this is. Raises `Refusal`."""
    address_of(url)
    root = url.rstrip("/")
    for endpoint in _ENDPOINTS:
        root = root.removesuffix(endpoint)
    return f"{root}{ROUTE}"


def ask(url: str, request: Request, *, token: str) -> dict[str, Any]:
    """What the server answers. Raises `ServerUnreachable`, and `Refusal` with the server's own sentence."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    sent = urllib.request.Request(route_of(url), json.dumps(body_of(request)).encode(), headers)
    try:
        with asked(sent, seconds=_PATIENCE_SECONDS) as response:
            answer = json.loads(response.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(_MOST_BYTES)
        if refusal := _refusal(said):
            raise refusal from None
        raise ServerUnreachable(
            url, f"it answers {error.code}, {_in_a_line(_sentence(said) or error.reason)}"
        ) from error
    except (OSError, ValueError, HTTPException) as error:  # nobody listens, it is too slow, it speaks something else
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise ServerUnreachable(url, _in_a_line(str(reason))) from error
    if not isinstance(answer, dict):
        raise ServerUnreachable(url, "it does not answer as fleetlore does")
    return answer


def _in_a_line(said: str) -> str:
    """What the other side said, which may be anything."""
    return " ".join(said.split())[:_LONGEST_REASON]


def _refusal(body: bytes) -> Refusal | None:
    try:
        said = json.loads(body)["refused"]
        return Refusal(said["argument"], said["problem"], said["remedy"])
    except (ValueError, KeyError, TypeError):  # not fleetlore's own answer
        return None


def _sentence(body: bytes) -> str:
    """Why the server let a request not in."""
    try:
        return str(json.loads(body)["error"]).rstrip(".")
    except (ValueError, KeyError, TypeError):  # not fleetlore's own answer
        return ""


class Outage:
    """Remembers, in a folder of the user's, that a server could not be used: that is said once, until it can again."""

    def __init__(self, folder: Path, url: str) -> None:
        self._file = folder / f"unreachable-{hashlib.sha256(url.encode()).hexdigest()[:16]}"

    def begins(self) -> bool:
        """Whether it is new."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.touch(exist_ok=False)
        except FileExistsError:
            return False
        except OSError:  # it cannot be remembered: better said twice than never
            return True
        return True

    def ends(self) -> None:
        """The server was reached."""
        self._file.unlink(missing_ok=True)
