"""The hooks of an assistant, called as it calls them, or by the route that they use with a team's server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import anyio
from process import environment

from fleetlore.server.hooks.remote import ask
from fleetlore.server.hooks.requests import Stop, ToolUse
from fleetlore.server.hooks.transcript import receipts_in
from fleetlore.storage.errors import ServerUnreachable

RECEIPT = re.compile(r"\br_[0-9a-z]{20}\b")
COMMAND = "python -m pytest -q"


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What an agent does between two questions of its user, within a session that has a transcript."""

    session: str
    transcript: Path

    def saw(self, receipt: str) -> None:
        """Append what an assistant writes down when a tool has answered."""
        line = {"type": "user", "message": {"content": [{"type": "tool_result", "content": f"receipt: {receipt}"}]}}
        with self.transcript.open("a") as lines:
            lines.write(f"{json.dumps(line)}\n")


class Hooks(Protocol):
    """The two hooks that make a fleet answer."""

    async def tests(self, turn: Turn, *, passed: bool) -> None:
        """Tell the hook behind a command that the tests were run."""

    async def stop(self, turn: Turn) -> set[str]:
        """Return the receipts that the agent is asked about before it may stop."""


class ProcessHooks:
    """Each hook is a process, as an assistant starts it, on the data directory itself."""

    def __init__(self, data: Path, url: str) -> None:
        self._data = data

    async def tests(self, turn: Turn, *, passed: bool) -> None:
        said: dict[str, Any] = {"tool_name": "Bash", "tool_input": {"command": COMMAND}}
        if passed:
            said |= {"hook_event_name": "PostToolUse", "tool_response": {"stdout": "1 passed in 0.01s", "stderr": ""}}
        else:
            said |= {"hook_event_name": "PostToolUseFailure", "error": "Exit code 1\n1 failed in 0.01s"}
        await self._call("tool-use", turn, said)

    async def stop(self, turn: Turn) -> set[str]:
        asked = await self._call("stop", turn, {"hook_event_name": "Stop", "stop_hook_active": False})
        return set(RECEIPT.findall(asked))

    async def _call(self, hook: str, turn: Turn, said: Mapping[str, Any]) -> str:
        payload = {"session_id": turn.session, "transcript_path": str(turn.transcript), "cwd": str(self._data), **said}
        done = await anyio.run_process(
            [sys.executable, "-m", "fleetlore.server", "hook", hook, "--data", str(self._data)],
            input=json.dumps(payload).encode(),
            stderr=subprocess.PIPE,
            env=environment(),
        )
        if done.stderr:
            raise RuntimeError(done.stderr.decode())
        return done.stdout.decode()


class RouteHooks:
    """What the hooks' processes ask of a team's server, without the processes."""

    def __init__(self, data: Path, url: str) -> None:
        self._url = url

    async def tests(self, turn: Turn, *, passed: bool) -> None:
        receipts = tuple(receipts_in(str(turn.transcript)))
        await self._ask(ToolUse(receipts=receipts, implicit="tests-passed" if passed else "tests-failed"))

    async def stop(self, turn: Turn) -> set[str]:
        asked = await self._ask(Stop(receipts=tuple(receipts_in(str(turn.transcript)))))
        return set(RECEIPT.findall(asked.get("reason", "")))

    async def _ask(self, request: Stop | ToolUse) -> dict[str, Any]:
        try:
            return await anyio.to_thread.run_sync(lambda: ask(self._url, request, token=""))
        except ServerUnreachable:  # a hook that waited too long has nothing to say, and the agent goes on
            return {}


HOOKS: Mapping[str, Callable[[Path, str], Hooks]] = {"process": ProcessHooks, "route": RouteHooks}
