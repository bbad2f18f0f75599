"""Whatever a server is sent over HTTP, it answers: no error of its own, no hang, no growing memory."""

from __future__ import annotations

import argparse
import http.client
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from command_line import parser, positive, run
from footprint import resident_megabytes
from fuzz_inputs import Request, requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from process import STOP_SECONDS, ServerDidNotStart, command, environment, free_port
from report import print_table, write_json

PATIENCE_SECONDS = 30.0
WARM = 0.3  # share of the inputs after which memory is first read
GROWTH = 0.25  # what memory may grow by from then on, of what it was
RATES = ("--calls-per-minute", "1000000", "--bytes-per-minute", "1000000000")
_OWN_FAULTS = (b"the server failed at this call", b'"code":-32603', b"Internal Server Error")


class Fault(AssertionError):
    """The server failed at an input; hypothesis makes it smaller and shows it."""


class Sender:
    """Sends requests over one connection after the other, and counts how they were answered."""

    def __init__(self, host: str, token: str) -> None:
        self.host = host
        self.token = token
        self.answers: Counter[str] = Counter()
        self.slowest = 0.0

    def send(self, request: Request) -> None:
        started = time.monotonic()
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE_SECONDS)
        try:
            status, body = self._answer(connection, request)
        except TimeoutError as error:
            raise Fault(f"no answer within {PATIENCE_SECONDS:.0f} s") from error
        finally:
            connection.close()
        self.slowest = max(self.slowest, time.monotonic() - started)
        self.answers[status] += 1
        if status.startswith("5") or any(fault in body for fault in _OWN_FAULTS):
            raise Fault(f"answered {status}: {body[:500]!r}")

    def _answer(self, connection: http.client.HTTPConnection, request: Request) -> tuple[str, bytes]:
        connection.putrequest(request.method, request.path or "/", skip_host=True, skip_accept_encoding=True)
        named = {name.casefold() for name, _ in request.headers}
        if "host" not in named:
            connection.putheader("Host", self.host)
        if "authorization" not in named:
            connection.putheader("Authorization", f"Bearer {self.token}")
        if not named & {"content-length", "transfer-encoding"}:
            connection.putheader("Content-Length", str(len(request.body)))
        for name, value in request.headers:
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders()
        with suppress(OSError):  # it may refuse, and hang up, before it has read all
            connection.send(request.body)
            if named & {"content-length", "transfer-encoding"}:
                connection.sock.shutdown(socket.SHUT_WR)  # no more will come, whatever length was promised
        try:
            response = connection.getresponse()
        except (http.client.BadStatusLine, ConnectionResetError, BrokenPipeError):
            return "hung up", b""
        if response.getheader("content-type", "").startswith("text/event-stream"):
            return f"{response.status} stream", b""  # it goes on until one of us leaves
        try:
            return str(response.status), response.read()
        except (http.client.IncompleteRead, ConnectionResetError):
            return f"{response.status} cut", b""


def token(data: Path) -> str:
    """Make a token that allows everything, so that inputs reach what lies behind the gate."""
    scopes = ["--scope", "read,write,prune,admin"]
    line = [
        sys.executable,
        "-m",
        "fleetlore.server",
        "token",
        "create",
        "--agent",
        "fuzzer",
        *scopes,
        "--data",
        str(data),
    ]
    return subprocess.run(line, env=environment(), capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def served(data: Path, log: Path) -> Iterator[tuple[str, int]]:
    """Run a server for the block; gives its host and port, and its process id."""
    host = f"127.0.0.1:{(port := free_port())}"
    line = command(data, "--transport", "http", "--port", str(port), *RATES)
    with log.open("wb") as errors, subprocess.Popen(line, stderr=errors, env=environment()) as process:
        try:
            _wait(process, host, log)
            yield host, process.pid
            if process.poll() is not None:
                raise Fault(f"the server ended with {process.returncode}")
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _wait(process: subprocess.Popen[bytes], host: str, log: Path) -> None:
    while process.poll() is None:
        with suppress(OSError), urlopen(f"http://{host}/healthz", timeout=PATIENCE_SECONDS):
            return
        time.sleep(0.05)
    raise ServerDidNotStart.logged(log)


def fuzz(sender: Sender, process: int, *, inputs: int, seeded: int) -> dict[str, object]:
    """Send that many inputs; returns what happened. Raises `Fault`, with the smallest input that broke the server."""
    memory: list[float] = []

    @seed(seeded)
    @settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(requests())
    def one(request: Request) -> None:
        sender.send(request)
        if sender.answers.total() == int(inputs * WARM):
            memory.append(resident_megabytes(process))

    started = time.monotonic()
    one()
    memory.append(resident_megabytes(process))
    if memory[-1] > memory[0] * (1 + GROWTH):
        raise Fault(f"memory grew from {memory[0]:.0f} to {memory[-1]:.0f} MB")
    return {
        "inputs": sender.answers.total(),
        "seconds": round(time.monotonic() - started, 1),
        "slowest_seconds": round(sender.slowest, 2),
        "memory_warm_mb": round(memory[0]),
        "memory_end_mb": round(memory[-1]),
        "answers": dict(sender.answers.most_common()),
    }


def exceptions(log: Path) -> dict[str, int]:
    """Count the exceptions that a log shows, by their last line."""
    blocks = log.read_text(errors="replace").split("Traceback (most recent call last):")[1:]
    last = [next((line for line in block.splitlines() if line and not line.startswith(" ")), "") for block in blocks]
    return dict(Counter(last).most_common())


def main(options: argparse.Namespace) -> None:
    started = time.monotonic()
    with TemporaryDirectory(prefix="fleetlore-fuzzing-") as name:
        log, data = Path(name) / "log", Path(name) / "data"
        try:
            own = token(data)
            with served(data, log) as (host, process):
                result = fuzz(Sender(host, own), process, inputs=options.inputs, seeded=options.seed)
            print_table("fuzzing over HTTP", ("", "figure"), [(name, str(value)) for name, value in result.items()])
            if raised := exceptions(log):
                raise Fault(f"the log holds exceptions: {raised}")
        except Fault as fault:
            print("\n".join([str(fault), *getattr(fault, "__notes__", ())]), file=sys.stderr)
            sys.exit(1)
    write_json(
        options.json,
        benchmark="fuzzing",
        settings={"inputs": options.inputs, "seed": options.seed},
        results=result,
        seconds=time.monotonic() - started,
    )


if __name__ == "__main__":
    made = parser(__doc__ or "", "Exit code 1 with the smallest input that the server did not stand.")
    made.add_argument("--inputs", type=positive, default=100_000, help="how many requests (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, help="other inputs with another (default: %(default)s)")
    run(main, made.parse_args())
