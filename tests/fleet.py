"""What tests drive: a server in this process, or a real one over stdio or HTTP, through the official client."""

import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from fleetlore.kmu.consolidation import Consolidated
from fleetlore.kmu.unit import KnowledgeManagementUnit, Policy
from fleetlore.server.app import create_server
from fleetlore.server.settings import Settings, utc_now
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.ledger import Ledger

COMMAND = [sys.executable, "-m", "fleetlore.server"]


@dataclass(frozen=True)
class Fleet:
    """One connected client."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Calls a tool that must succeed; returns its structured answer."""
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content[0].text
        return result.structured_content

    async def text(self, tool: str, **arguments: Any) -> str:
        """Calls a tool that must succeed; returns its text form."""
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content[0].text
        return result.content[0].text

    async def refusal(self, tool: str, **arguments: Any) -> str:
        """Calls a tool that must refuse; returns its sentence."""
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, result.content[0].text
        return result.content[0].text

    async def retrieve(self, task: str, **arguments: Any) -> dict[str, Any]:
        return await self.call("retrieve_knowledge", task=task, **arguments)

    async def submit(self, task: str, **arguments: Any) -> dict[str, Any]:
        return await self.call("submit_feedback", task=task, **arguments)

    async def teach(self, insight: str, **arguments: Any) -> str:
        """Submits an insight and returns its item's id."""
        arguments = {"task": "the task at hand", "outcome": "success", "agent": "teacher"} | arguments
        return (await self.call("submit_feedback", insight=insight, **arguments))["learned"][0]["id"]

    async def resource(self, uri: str) -> Any:
        return json.loads((await self.client.read_resource(uri)).contents[0].text)

    async def status(self) -> Any:
        return await self.resource("fleetlore://status")

    async def rests(self) -> None:
        """Returns once somebody has made a round of upkeep and waits for the next."""
        with anyio.fail_after(60):
            while ((await self.status())["maintainer"] or {"doing": ""})["doing"] != "waiting":  # noqa: ASYNC110
                await anyio.sleep(0.02)  # a server tells no event


@asynccontextmanager
async def in_process(data: Path, **settings: Any) -> AsyncIterator[Fleet]:
    """A server in this process over a data directory."""
    async with Client(create_server(Settings(data=data, **settings))) as client:
        yield Fleet(client)


@asynccontextmanager
async def over_stdio(data: Path, *options: str, mode: str = "auto", cwd: Path | None = None) -> AsyncIterator[Fleet]:
    """A real stdio server process."""
    arguments = [*COMMAND[1:], "serve", "--data", str(data), *options]
    parameters = StdioServerParameters(command=COMMAND[0], args=arguments, cwd=cwd)
    async with Client(stdio_client(parameters), mode=mode) as client:
        yield Fleet(client)


@asynccontextmanager
async def unit_over(data: Path, **options: Any) -> AsyncIterator[KnowledgeManagementUnit]:
    """The knowledge management unit over a data directory, as commands open it."""
    async with (
        Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger,
        KnowledgeManagementUnit.open(ledger, data, policy=Policy(**options)) as unit,
    ):
        yield unit


async def slept(data: Path, **options: Any) -> Consolidated:
    """A pass of consolidation over a data directory, as `fleetlore consolidate` makes it beside any server."""
    async with unit_over(data, **options) as unit, unit.upkeep.lock.held():
        return await unit.consolidate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def http_server(data: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real HTTP server process on a port of its own choice; gives its address, and ends it."""
    command = [*COMMAND, "serve", "--transport", "http", "--port", "0", "--data", str(data), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            yield _address(process), process
        finally:
            process.terminate()
            process.wait(10)
            if process.stderr is not None:
                process.stderr.close()


def _address(process: subprocess.Popen[bytes]) -> str:
    """Where a server that has just been started listens, as its log says."""
    assert process.stderr is not None
    log = b""
    for line in process.stderr:
        log += line
        if b"fleetlore listens on " in line:
            return line.decode().rpartition(" ")[2].strip().removesuffix("/mcp")
    raise AssertionError(log.decode() or "the server ended")


def children(parent: int) -> list[int]:
    """The processes that one has started and that still live."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    return [process for process, of in pairs if of == parent]
