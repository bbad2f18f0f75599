"""Processes that die by kill -9, or are suspended, at a place of one's choice."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import anyio

_STRUCK = str(Path(__file__).with_name("struck.py"))


def struck_at(
    place: str,
    *arguments: Any,
    when: str = "before",
    blow: int = signal.SIGKILL,
    settings: Mapping[str, int] = MappingProxyType({}),
) -> list[str]:
    """A command line that gets the signal once, where it does what is at `place`, as in `fleetlore.m:Class.name`.

    Before or after it, or `amid` it: once it has written a first file into the spaces. `settings` are constants of
    modules and what they shall be.
    """
    blows = [place, when, str(int(blow)), json.dumps(dict(settings))]
    return [sys.executable, _STRUCK, *blows, *map(str, arguments)]


async def killed_at(place: str, *arguments: Any, when: str = "before") -> None:
    """Runs a command that dies where it calls `place`, as in `fleetlore.storage.ledger:Ledger.purge`."""
    done = await anyio.run_process(struck_at(place, *arguments, when=when), check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@contextmanager
def suspended_at(place: str, *arguments: Any) -> Iterator[None]:
    """A command that is suspended behind what it does at `place`, for the block; it goes on then, and must succeed."""
    line = struck_at(place, *arguments, when="after", blow=signal.SIGSTOP)
    with subprocess.Popen(line, stdout=subprocess.DEVNULL) as process:
        try:
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status), status
            yield
        finally:
            process.send_signal(signal.SIGCONT)
        assert process.wait() == 0


@dataclass(frozen=True)
class Lines:
    """A stdio server, spoken to by lines."""

    process: subprocess.Popen[str]

    def send(self, number: int, tool: str, **arguments: Any) -> None:
        self._write({"id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})

    def answer(self) -> dict[str, Any] | None:
        """The next answer that is no greeting; None once the server has ended."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") != "hello":
                return answer
        return None

    def greet(self) -> None:
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "killer", "version": "1"}}
        self._write({"id": "hello", "method": "initialize", "params": hello})
        self._write({"method": "notifications/initialized"})

    def suspended(self) -> bool:
        """Waits until the server is suspended; False where it has ended."""
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        return os.WIFSTOPPED(status)

    def _write(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()


@contextmanager
def served(command: list[str], data: Path) -> Iterator[Lines]:
    """The stdio server that the command line starts, greeted; killed at the end if it still lives."""
    pipe = subprocess.PIPE
    line = [*command, "serve", "--data", str(data)]
    with subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        lines = Lines(process)
        try:
            lines.greet()
            yield lines
        finally:
            process.kill()
