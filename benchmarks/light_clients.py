"""Clients that cost next to nothing: on two cores, whatever a client spends is taken from the server that is measured.

They speak just as much MCP as a tool call needs, and check that every call succeeded.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from connection import ToolFailed
from process import environment

_LONGEST_LINE = 1 << 24


class LightClient(Protocol):
    """A connection on which one call is made after the other."""

    async def call(self, tool: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        """Call a tool and return its structured answer; an error of any kind raises `ToolFailed`."""


@dataclass(slots=True)
class HttpClient:
    """One kept connection to a streamable HTTP endpoint, opened again where the server has closed it for idleness."""

    url: SplitResult
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, tool: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        body = request(1, tool, arguments)
        head = (
            f"POST {self.url.path} HTTP/1.1\r\nHost: {self.url.netloc}\r\nContent-Type: application/json\r\n"
            f"Accept: application/json, text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            reader, told = await self._sent(head.encode() + body)
        except (asyncio.IncompleteReadError, ConnectionResetError):  # the server closed an idle connection just now
            reader, told = await self._sent(head.encode() + body)
        status, *fields = told.lower().split(b"\r\n")
        [length] = [int(field.split(b":")[1]) for field in fields if field.startswith(b"content-length:")]
        answer = await reader.readexactly(length)
        assert b" 200 " in status, answer
        return check(tool, answer)

    async def _sent(self, message: bytes) -> tuple[asyncio.StreamReader, bytes]:
        if self.streams is None or self.streams[0].at_eof():
            self.close()
            self.streams = await asyncio.open_connection(self.url.hostname, self.url.port)
        reader, writer = self.streams
        writer.write(message)
        return reader, await reader.readuntil(b"\r\n\r\n")

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()


@dataclass(slots=True)
class StdioClient:
    """A server process of its own, spoken to by lines."""

    process: asyncio.subprocess.Process
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def call(self, tool: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(request(next(self.numbers), tool, arguments) + b"\n")
        return check(tool, await self.process.stdout.readline())


def request(number: int, tool: str, arguments: Mapping[str, object]) -> bytes:
    call = {"name": tool, "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": call}).encode()


def check(tool: str, answer: bytes) -> dict[str, Any]:
    result = json.loads(answer or b"{}").get("result")
    if result is None or result.get("isError"):
        raise ToolFailed(f"{tool}: {answer.decode()[:500] or 'the server ended'}")
    structured: dict[str, Any] = result.get("structuredContent", {})
    return structured


@asynccontextmanager
async def over_http(url: str, count: int) -> AsyncIterator[list[LightClient]]:
    """So many connections to one server."""
    clients = [HttpClient(urlsplit(url)) for _ in range(count)]
    try:
        yield [*clients]
    finally:
        for client in clients:
            client.close()


@asynccontextmanager
async def over_stdio(line: Sequence[str], count: int, log: Path) -> AsyncIterator[tuple[list[LightClient], list[int]]]:
    """So many server processes, each with its client; also gives the processes' ids."""
    pipe = asyncio.subprocess.PIPE
    with log.open("ab") as errors:
        processes = [
            await asyncio.create_subprocess_exec(
                *line, stdin=pipe, stdout=pipe, stderr=errors, limit=_LONGEST_LINE, env=environment(), cwd=log.parent
            )
            for _ in range(count)
        ]
    try:
        await asyncio.gather(*(_greet(process) for process in processes))
        yield [StdioClient(process) for process in processes], [process.pid for process in processes]
    finally:
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
        await asyncio.gather(*(process.wait() for process in processes))


async def _greet(process: asyncio.subprocess.Process) -> None:
    """Open the session as most IDEs do."""
    assert process.stdin is not None
    assert process.stdout is not None
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "benchmark", "version": "1"},
    }
    first = {"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": hello}
    process.stdin.write(json.dumps(first).encode() + b"\n")
    check("initialize", await process.stdout.readline())
    process.stdin.write(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
