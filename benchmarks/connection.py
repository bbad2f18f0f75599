"""A client's connection to a fleetlore server, over each transport that the contract knows."""

from __future__ import annotations

import library_environment  # noqa: F401

# isort: split
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, assert_never

import anyio
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS, CallToolResult, TextContent, TextResourceContents
from process import http_server, stdio_server

from fleetlore.server.app import create_server
from fleetlore.server.settings import Settings

CALL_SECONDS = 120.0


class Transport(StrEnum):
    IN_PROCESS = "in-process"
    STDIO = "stdio"
    HTTP = "http"


class ToolFailed(RuntimeError):
    """The server answered a call with an error: a benchmark must not go on as if it had been stored."""

    @classmethod
    def by(cls, tool: str, result: CallToolResult) -> ToolFailed:
        said = " ".join(block.text for block in result.content if isinstance(block, TextContent))
        return cls(f"{tool}: {said}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """An open MCP session, narrowed to what benchmarks do with it."""

    client: Client

    async def call(self, tool: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        """Call a tool and return its structured content; an error result raises `ToolFailed`."""
        result = await self.client.call_tool(tool, dict(arguments))
        if result.is_error:
            raise ToolFailed.by(tool, result)
        content: dict[str, Any] = result.structured_content
        return content

    async def read(self, uri: str) -> dict[str, Any] | None:
        """Read a JSON resource; None where there is nothing of that address."""
        try:
            result = await self.client.read_resource(uri)
        except MCPError as error:
            if error.code == INVALID_PARAMS:
                return None
            raise
        content: dict[str, Any] = json.loads(
            "".join(part.text for part in result.contents if isinstance(part, TextResourceContents))
        )
        return content


@asynccontextmanager
async def connect(transport: Transport, data: Path, *, learning: bool = True) -> AsyncIterator[Connection]:
    """Open a server of its own on the folder `data` (made if it is missing) and connect to it."""
    options = () if learning else ("--no-learning",)
    await anyio.Path(data).mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        match transport:
            case Transport.IN_PROCESS:
                server = create_server(Settings(data=data, learning=learning))
                client = Client(server, read_timeout_seconds=CALL_SECONDS)
            case Transport.STDIO:
                client = Client(stdio_server(data, *options), read_timeout_seconds=CALL_SECONDS)
            case Transport.HTTP:
                url = await stack.enter_async_context(http_server(data, *options))
                client = Client(url, read_timeout_seconds=CALL_SECONDS)
            case _:
                assert_never(transport)
        yield Connection(client=await stack.enter_async_context(client))
