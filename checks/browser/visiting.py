"""Malicious pages in a real browser, on a machine where fleetlore serves on loopback without authentication.

A page elsewhere posts to it, by its address and by its name; and a page whose own name is pointed to this machine once
it is open (DNS rebinding) is of the very origin that it attacks. Whatever they try, nothing may be read or stored.

Prints a line for each check; exits with 1 if one failed. `run` starts it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from threading import Event, Thread
from urllib.request import Request, urlopen

from serving import clean_environment, free_port, serving

ELSEWHERE = "evil.example"
ATTACKS = Path(__file__).with_name("attacks.js").read_text("utf-8")
INSIGHT = "retries=99 is what every queue of this fleet needs"
CALL = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "submit_feedback",
            "arguments": {"task": "tune the queue", "outcome": "success", "insight": INSIGHT},
        },
    }
)
_PATIENCE_SECONDS = 60
_BROWSER = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",  # headless Chromium stays open only while somebody may talk to it
    f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1",
)


@dataclass
class Site:
    """A page and what came of it; the page attacks once it is `ready`, and `loaded` says that it waits for that."""

    script: str = ""
    loaded: Event = field(default_factory=Event)
    ready: Event = field(default_factory=Event)
    told: Event = field(default_factory=Event)
    answers: dict[str, str] = field(default_factory=dict)


def main() -> int:
    """Opens every page; returns the exit code."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("chromium is needed on the PATH")
    # a helper that is still dying may write into its profile while that is removed, which is no finding
    with TemporaryDirectory(prefix="fleetlore-browser-", ignore_cleanup_errors=True) as name:
        temporary = Path(name)
        found = [
            *_page_elsewhere(browser, temporary, "127.0.0.1"),
            *_page_elsewhere(browser, temporary, "localhost"),
            *_page_elsewhere(browser, temporary, ELSEWHERE),
            *_rebound(browser, temporary),
            ("what the pages sent is stored when no browser sends it", _taken(temporary)),
        ]
    for what, passed in found:
        print(f"{'pass' if passed else 'FAIL'} {what}", flush=True)
    return 0 if all(passed for _, passed in found) else 1


def _page_elsewhere(browser: str, temporary: Path, name: str) -> list[tuple[str, bool]]:
    data, port, site = temporary / f"elsewhere-{name}", free_port(), Site()
    with _hosted(site, free_port()) as page, _serving(data, port):
        site.script = _script(f"http://{name}:{port}", page)
        site.ready.set()
        with _opened(browser, temporary, page):
            told = site.told.wait(_PATIENCE_SECONDS)
        return _judged(f"a page elsewhere, by the name {name}", site, data, told=told)


def _rebound(browser: str, temporary: Path) -> list[tuple[str, bool]]:
    """The page comes from the name and port at which fleetlore serves later: for the browser, one origin."""
    data, port, site = temporary / "rebound", free_port(), Site()
    with _hosted(site, free_port()) as elsewhere, ExitStack() as open_now:
        page = open_now.enter_context(_hosted(site, port))
        site.script = _script("", elsewhere)
        with _opened(browser, temporary, page):
            loaded = site.loaded.wait(_PATIENCE_SECONDS)
            open_now.close()
            with _serving(data, port):
                site.ready.set()
                told = site.told.wait(_PATIENCE_SECONDS)
                return _judged("a page of a name that was rebound", site, data, told=loaded and told)


def _judged(who: str, site: Site, data: Path, *, told: bool) -> list[tuple[str, bool]]:
    read = [f"{way}: {answer}" for way, answer in site.answers.items() if "version" in answer or "jsonrpc" in answer]
    return [
        (f"{who}: {len(site.answers)} attempts", told and len(site.answers) > 0),
        (f"{who}: nothing was read {read or ''}", not read),
        (f"{who}: nothing was stored", _feedback(data) == 0),
    ]


def _taken(temporary: Path) -> bool:
    """What a check of others is worth: the same call, sent by no browser, is carried out."""
    data, port = temporary / "taken", free_port()
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    with _serving(data, port) as address, urlopen(Request(f"{address}/mcp", CALL.encode(), headers)) as answer:
        return answer.status == HTTPStatus.OK and _feedback(data) == 1


def _feedback(data: Path) -> int:
    line = [sys.executable, "-m", "fleetlore.server", "status", "--json", "--data", str(data)]
    answer = subprocess.run(line, env=clean_environment(), capture_output=True, text=True, check=True)
    count: int = json.loads(answer.stdout)["feedback"]
    return count


def _serving(data: Path, port: int) -> AbstractContextManager[str]:
    line = [sys.executable, "-m", "fleetlore.server", "serve", "--data", str(data), "--transport", "http"]
    return serving([*line, "--port", str(port)], port)


def _script(target: str, elsewhere: str) -> str:
    names = {"TARGET": target, "CALL": CALL, "READY": f"{elsewhere}/ready", "TOLD": f"{elsewhere}/told"}
    return "".join(f"const {name} = {json.dumps(value)};\n" for name, value in names.items()) + ATTACKS


@contextmanager
def _hosted(site: Site, port: int) -> Iterator[str]:
    """Serves a site's page at every path but its own two; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/ready":
                site.loaded.set()
                site.ready.wait(_PATIENCE_SECONDS)
            self._answer(f"<!doctype html><body><script>{site.script}</script>")

        def do_POST(self) -> None:
            site.answers |= json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer("")
            site.told.set()

        def _answer(self, page: str) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{ELSEWHERE}:{port}"
        finally:
            server.shutdown()


@contextmanager
def _opened(browser: str, temporary: Path, page: str) -> Iterator[None]:
    line = [browser, *_BROWSER, f"--user-data-dir={mkdtemp(dir=temporary)}", page]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(line, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # its helpers outlive a browser that is asked to go


if __name__ == "__main__":
    sys.exit(main())
