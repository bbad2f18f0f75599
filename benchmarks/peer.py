"""What is compared: a memory that is told lessons and asked for them, however it is reached."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import anyio
from connection import ToolFailed
from lessons import Lesson
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client import Transport
from mcp.types import TextContent
from peer_environments import Requirements

START_SECONDS = 120.0
CALL_SECONDS = 60.0


class CannotRun(RuntimeError):
    """A peer that does not install, start or answer here; says why in one line."""

    @classmethod
    def because(cls, error: BaseException, log: Path | None = None) -> CannotRun:
        if isinstance(error, CannotRun):
            return error
        said = str(error).strip() or type(error).__name__
        text = log.read_text(errors="replace") if log and log.exists() else ""
        lines = [line for line in text.splitlines() if "rror" in line]
        return cls(said.splitlines()[0] + (f" ({lines[-1].strip()[:200]})" if lines else ""))


class Session(Protocol):
    """An agent's connection to a store; every call is acknowledged or raises `ToolFailed`."""

    async def write(self, lesson: Lesson) -> None: ...

    async def search(self, question: str, limit: int) -> Sequence[str]:
        """Return the texts that are shown for a question, best first."""

    async def everything(self) -> str:
        """Return the text of all that the store gives back, however many calls that takes."""

    async def tools(self) -> Sequence[Mapping[str, object]]:
        """Return what a model is told of the tools; nothing where there are none."""


class Peer(Protocol):
    """How a memory is installed and opened."""

    @property
    def name(self) -> str: ...

    @property
    def requirements(self) -> Requirements: ...

    @property
    def needed(self) -> frozenset[str]:
        """The tools that telling and asking take."""

    def open(self, store: Path) -> AbstractAsyncContextManager[Session]:
        """Open a session on the store in this folder, in a process of its own as an IDE does it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class McpConnection:
    """What a session over MCP does with its client."""

    client: Client

    async def text(self, tool: str, arguments: Mapping[str, object]) -> str:
        """Call a tool and return the text that it answers with."""
        result = await self.client.call_tool(tool, dict(arguments))
        if result.is_error:
            raise ToolFailed.by(tool, result)
        return "\n".join(block.text for block in result.content if isinstance(block, TextContent))

    async def tools(self) -> Sequence[Mapping[str, object]]:
        listed = await self.client.list_tools()
        return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed.tools]


@asynccontextmanager
async def over_stdio(
    line: Sequence[str], *, environment: Mapping[str, str], store: Path
) -> AsyncIterator[McpConnection]:
    """Start a server inside its store's folder; what it logs is beside the folder."""
    program, *arguments = line
    start = StdioServerParameters(command=program, args=arguments, env=dict(environment), cwd=store)
    with log_of(store).open("a") as errors:
        async with connected(stdio_client(start, errlog=errors)) as connection:
            yield connection


@asynccontextmanager
async def connected(transport: Transport | str) -> AsyncIterator[McpConnection]:
    client = Client(transport, mode="legacy", read_timeout_seconds=CALL_SECONDS)
    with anyio.fail_after(START_SECONDS) as starting:
        async with client:
            starting.deadline = float("inf")
            yield McpConnection(client=client)


def log_of(store: Path) -> Path:
    return store.with_name(f"{store.name}.log")


def tokens(tools: Sequence[Mapping[str, Any]]) -> int:
    """What a list of tools costs a model: a token is about four characters."""
    return len(json.dumps(tools, ensure_ascii=False)) // 4
