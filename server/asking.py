"""Asking a server over HTTP with the standard library alone, which a hook has the time to import."""

import urllib.request
from http.client import HTTPMessage, HTTPResponse
from typing import IO, cast


class _NotElsewhere(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: a token is for the address that was given, and redirects would take it along."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Never follows; the answer is then an error of its own code."""


_OPENER = urllib.request.build_opener(_NotElsewhere)


def asked(request: urllib.request.Request, *, seconds: float) -> HTTPResponse:
    """The server's answer, within that time. Raises `HTTPError`, also for a redirect, and other `OSError`s."""
    return cast(HTTPResponse, _OPENER.open(request, timeout=seconds))
