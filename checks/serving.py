"""HTTP servers that a check runs against, each in a process of its own."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO
from urllib.request import urlopen

_START_SECONDS = 60
_STOP_SECONDS = 10


def clean_environment() -> Mapping[str, str]:
    """The environment without settings of a fleetlore that somebody uses here."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FLEETLORE_")}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def serving(command: Sequence[str], port: int) -> Iterator[str]:
    """Runs a server for the block; gives its address once `/healthz` answers."""
    address = f"http://127.0.0.1:{port}"
    with (
        TemporaryFile() as log,
        subprocess.Popen(command, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=log) as process,
    ):
        try:
            _wait(process, address, log)
            yield address
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _wait(process: subprocess.Popen[bytes], address: str, log: IO[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            log.seek(0)
            raise SystemExit(f"the server ended: {log.read().decode()}")
        try:
            with urlopen(f"{address}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"the server did not answer within {_START_SECONDS} s")
