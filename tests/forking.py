"""Processes of fleetlore as forks of one that has imported it all, which takes each of them longer than most tests.

They are processes like others, with arguments, folder, environment and streams of their own, and children of whoever
starts them; only what a process does before its first line is left out.
"""

import ctypes
import gc
import importlib
import inspect
import io
import json
import logging
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

_FORKED = (["-m", "fleetlore.server"], [str(Path(__file__).with_name("struck.py"))])
_READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_")
# An environment with this starts a process whole.
WHOLE = {"PYTHONNODEBUGRANGES": "1"}
_AS_USUAL = {
    "executable": None,
    "preexec_fn": None,
    "shell": False,
    "gid": None,
    "gids": None,
    "uid": None,
    "umask": -1,
    "process_group": -1,
}
_ENDS = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
_LONGEST = 1 << 20
_PR_SET_CHILD_SUBREAPER = 36


class Forge:
    """The process that others are forked from."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line = [sys.executable, __file__, str(theirs.fileno())]
        self._process = subprocess.Popen(line, pass_fds=[theirs.fileno()], env=environment)
        theirs.close()
        self._one_at_a_time = Lock()
        self._adopt = ctypes.CDLL(None).prctl

    def fork(self, start: Mapping[str, Any], streams: Sequence[int]) -> int:
        """Starts a process, as a child of this one; gives its id."""
        with self._one_at_a_time:
            self._adopt(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            socket.send_fds(self._channel, [json.dumps(start).encode()], streams)
            pid = int(self._channel.recv(_LONGEST))
            self._adopt(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        return pid

    def close(self) -> None:
        """Ends it; what was forked goes on."""
        self._channel.close()
        self._process.wait()


@contextmanager
def forked() -> Iterator[None]:
    """Lets `subprocess` start what can be forked as a fork, where the system can make it a child of who asked."""
    if sys.platform != "linux":
        yield
        return
    ours = dict(os.environ)
    started: list[Forge] = []
    whole, starting = subprocess.Popen._execute_child, Lock()
    parameters = inspect.signature(whole)

    def execute_child(self: Any, *given: Any) -> None:
        asked = parameters.bind(self, *given).arguments
        if not _can_be_forked(asked, ours):
            whole(self, *given)
            return
        with starting:
            if not started:
                started.append(Forge(ours))
        streams = [asked["p2cread"], asked["c2pwrite"], asked["errwrite"]]
        start = {
            "line": [os.fspath(word) for word in asked["args"]],
            "folder": os.fspath(asked["cwd"] or Path.cwd()),
            "environment": dict(os.environ if asked["env"] is None else asked["env"]),
            "session": asked["start_new_session"],
            "passed": list(asked["pass_fds"]),
        }
        streams = [number if stream == -1 else stream for number, stream in enumerate(streams)]
        self.pid = started[0].fork(start, [*streams, *asked["pass_fds"]])
        self._child_created = True
        self._close_pipe_fds(*(asked[end] for end in _ENDS))

    subprocess.Popen._execute_child = execute_child
    try:
        yield
    finally:
        subprocess.Popen._execute_child = whole
        for forge in started:
            forge.close()


def _can_be_forked(asked: Mapping[str, Any], ours: Mapping[str, str]) -> bool:
    line = asked["args"]
    if isinstance(line, str | bytes | os.PathLike) or any(asked.get(name, it) != it for name, it in _AS_USUAL.items()):
        return False
    program, *rest = map(os.fspath, line)
    starts_otherwise = any(
        ours.get(name) != value
        for name, value in (os.environ if asked["env"] is None else asked["env"]).items()
        if name.startswith(_READ_AT_START)
    )
    known = any(rest[: len(start)] == start for start in _FORKED)
    return known and program == sys.executable and not starts_otherwise


def _serve(channel: socket.socket) -> None:
    """Forks whenever it is asked; returns in what was forked, once it is what was asked for."""
    while True:
        asked, received, *_ = socket.recv_fds(channel, _LONGEST, 64)
        if not asked:
            sys.exit()
        told, tell = os.pipe()
        between = _fork()
        if not between:  # whose child goes, as it ends, to who asked
            pid = _fork()
            if pid:
                os.write(tell, str(pid).encode())
                os._exit(0)
            for number in (told, tell, channel.detach()):
                os.close(number)
            _become(json.loads(asked), received)
            return
        os.waitpid(between, 0)
        channel.send(os.read(told, 20))
        for number in (told, tell, *received):
            os.close(number)


def _fork() -> int:
    with warnings.catch_warnings():  # Python and LanceDB warn of forks beside threads; none of these has begun anything
        warnings.simplefilter("ignore")
        return os.fork()


def _become(start: Mapping[str, Any], received: Sequence[int]) -> None:
    if start["session"]:
        os.setsid()
    os.chdir(start["folder"])
    os.environ.clear()
    os.environ.update(start["environment"])
    wanted = [0, 1, 2, *start["passed"]]
    above = [_copied(number, above=max(wanted)) for number in received]
    for number, copy in zip(wanted, above, strict=True):
        os.dup2(copy, number)
    for number in {*received, *above} - set(wanted):
        os.close(number)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        before = getattr(sys, name)
        stream = io.TextIOWrapper(
            open(number, "wb" if number else "rb", closefd=False),  # noqa: SIM115  a descriptor, for good
            encoding=before.encoding,
            errors=before.errors,
            line_buffering=number == 2 or os.isatty(number),
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.argv = start["line"]


def _copied(number: int, *, above: int) -> int:
    import fcntl  # noqa: PLC0415  not everywhere

    return fcntl.fcntl(number, fcntl.F_DUPFD, above + 1)


def _prepare() -> None:
    """Imports and loads what servers and commands do."""
    import fleetlore  # noqa: PLC0415
    from fleetlore.storage.embedders import DEFAULT_EMBEDDER  # noqa: PLC0415
    from fleetlore.storage.embedding import load_embedder  # noqa: PLC0415
    from fleetlore.storage.known_keys import load_rules  # noqa: PLC0415

    for module in pkgutil.walk_packages(fleetlore.__path__, "fleetlore."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    load_embedder(DEFAULT_EMBEDDER)
    load_rules()
    logging.root.handlers.clear()  # a library has set it up, which commands do before they import it
    logging.root.setLevel(logging.WARNING)
    gc.freeze()


if __name__ == "__main__":
    _prepare()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.argv[1] == "-m":
        module = sys.argv.pop(2)
        del sys.argv[0]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        del sys.argv[0]
        runpy.run_path(sys.argv[0], run_name="__main__")
