"""mcp-memory-service over stdio, on its SQLite store.

As its guides say: embeddings from an OpenAI-compatible endpoint, a longer wait for locks where several clients share a
store, its hybrid search. What it takes for a repetition of an earlier memory it refuses; our lessons are look-alikes,
so that check is off. Its server logs and checks for updates by itself, which costs calls nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from connection import ToolFailed
from lessons import Lesson
from peer import McpConnection, over_stdio
from peer_environments import Python, Requirements, binary
from process import environment

PAGE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryServiceSession:
    connection: McpConnection

    async def call(self, tool: str, arguments: Mapping[str, object]) -> str:
        """It reports failures as text that is not marked as an error."""
        said = await self.connection.text(tool, arguments)
        if said.startswith(("Error", "Failed", "Duplicate")):
            raise ToolFailed(f"{tool}: {said}")
        return said

    async def write(self, lesson: Lesson) -> None:
        said = await self.call("memory_store", {"content": lesson.text, "metadata": {"type": "learning"}})
        if "success" not in said.lower():
            raise ToolFailed(f"memory_store: {said}")

    async def search(self, question: str, limit: int) -> Sequence[str]:
        said = await self.call("memory_search", {"query": question, "mode": "hybrid", "limit": limit})
        return re.split(r"(?m)^\d+\. ", said)[1:]

    async def everything(self) -> str:
        pages: list[str] = []
        while True:
            said = await self.call("memory_list", {"page": len(pages) + 1, "page_size": PAGE})
            page = json.loads(said)
            pages.append("\n".join(memory["content"] for memory in page["memories"]))
            if not page["has_more"]:
                return "\n".join(pages)

    async def tools(self) -> Sequence[Mapping[str, object]]:
        return await self.connection.tools()


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryService:
    environment: Path
    embeddings: str
    """Address of the endpoint, up to and with /v1."""
    name: ClassVar[str] = "mcp-memory-service"
    requirements: ClassVar[Requirements] = Python(packages=("mcp-memory-service==12.2.0",), extensions=True)
    needed: ClassVar[frozenset[str]] = frozenset({"memory_store", "memory_search"})

    @asynccontextmanager
    async def open(self, store: Path) -> AsyncIterator[MemoryServiceSession]:
        settings = {
            "MCP_MEMORY_STORAGE_BACKEND": "sqlite_vec",
            "MCP_MEMORY_BASE_DIR": str(store),
            "MCP_MEMORY_SQLITE_PATH": str(store / "memories.db"),
            "MCP_MEMORY_SQLITE_PRAGMAS": "busy_timeout=15000,cache_size=20000",
            "MCP_MEMORY_USE_ONNX": "false",
            "MCP_SEMANTIC_DEDUP_ENABLED": "false",
            "MCP_EXTERNAL_EMBEDDING_URL": f"{self.embeddings}/embeddings",
            "MCP_EXTERNAL_EMBEDDING_MODEL": "lessons",
        }
        line = [str(binary(self.environment, "memory")), "server"]
        async with over_stdio(line, environment=environment() | settings, store=store) as connection:
            yield MemoryServiceSession(connection=connection)
