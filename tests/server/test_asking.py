"""A token goes to the address that was given, and nowhere else."""

import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.error import HTTPError

import pytest

from fleetlore.server.asking import asked


def test_a_redirect_takes_no_token_along():
    seen = []

    class Redirecting(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers["Authorization"]))
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, format, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/healthz"
        request = urllib.request.Request(address, headers={"Authorization": "Bearer flt_made_up"})
        with pytest.raises(HTTPError) as answer:
            asked(request, seconds=10)
        answer.value.close()
        server.shutdown()
    assert (answer.value.code, seen) == (302, [("/healthz", "Bearer flt_made_up")])
