"""Workers: processes that serve a fleet together at one address, as Python works on one core a process.

Each is a whole server over the same data, started with this one's command line and a socket to listen on. It says on
its standard output when it can, and ends when its standard input does: with this process, in whatever way that ends.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import FrameType

from fleetlore.server.listening import listening, log_address
from fleetlore.storage.errors import Refusal

logger = logging.getLogger(__name__)

READY = b"ready\n"
_REFUSED = 1
_PAUSE_SECONDS = 1.0  # before one is started in the place of another


class _Worker:
    """One of them, from its start on."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        line = [sys.executable, "-m", "fleetlore.server", *sys.argv[1:], "--workers", "1", "--listener"]
        descriptor = listener.fileno()
        self.process = subprocess.Popen(
            [*line, str(descriptor)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[descriptor]
        )

    def ready(self) -> bool:
        """Waits until it can serve; False where it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline() == READY


def serve_together(scheme: str, host: str, port: int, count: int) -> int:
    """Serves with so many workers until a signal comes; returns the exit code.

    The first is alone until it can serve: what it refuses is told once. Whichever is killed is started again; where
    one refuses to go on, all end. Raises `Refusal` where they cannot listen.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        raise Refusal("--workers", "this system lets no two processes listen at one address", "Start one worker")
    workers: list[_Worker] = []
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        for worker in workers:
            worker.process.terminate()

    def start(listener: socket.socket) -> None:
        worker = _Worker(listener)
        workers.append(worker)
        if stopping:  # the signal came while it was started
            worker.process.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with ExitStack() as sockets:
        listeners = [sockets.enter_context(listener) for listener in listening(host, port, count=count)]
        start(listeners[0])
        if not workers[0].ready():
            code = workers[0].process.wait()
            return 0 if stopping else code
        for listener in listeners[1:]:
            start(listener)
        for worker in workers[1:]:
            worker.ready()
        log_address(scheme, host, listeners[0])
        refused = 0
        while workers:
            worker = _ended(workers)
            code = worker.process.wait()
            workers.remove(worker)
            if code == _REFUSED:
                refused = code
                stop(signal.SIGTERM, None)
            elif not stopping:
                logger.warning("a worker has ended (%s): another takes its place", code)
                time.sleep(_PAUSE_SECONDS)
                start(worker.listener)
        return refused


def _ended(workers: Sequence[_Worker]) -> _Worker:
    """The next that has ended, once one has."""
    found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    return next(worker for worker in workers if found and worker.process.pid == found.si_pid)
