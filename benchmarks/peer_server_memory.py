"""The official memory server over stdio: a graph of entities in one file, searched by substring.

A lesson is an entity with two observations. A whole question is no substring of anything, so the agent asks for the one
word of it that looks most like a code, as it would after a first search in vain.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from lessons import Lesson
from peer import McpConnection, over_stdio
from peer_environments import Node, Requirements
from process import environment


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerMemorySession:
    connection: McpConnection

    async def write(self, lesson: Lesson) -> None:
        observations = [lesson.applies_when, lesson.insight]
        entity = {"name": lesson.insight, "entityType": "lesson", "observations": observations}
        await self.connection.text("create_entities", {"entities": [entity]})

    async def search(self, question: str, limit: int) -> Sequence[str]:
        found = json.loads(await self.connection.text("search_nodes", {"query": most_like_a_code(question)}))
        return ["\n".join(entity["observations"]) for entity in found["entities"][:limit]]

    async def everything(self) -> str:
        graph = json.loads(await self.connection.text("read_graph", {}))
        return "\n".join("\n".join(entity["observations"]) for entity in graph["entities"])

    async def tools(self) -> Sequence[Mapping[str, object]]:
        return await self.connection.tools()


def most_like_a_code(question: str) -> str:
    """Return the word with a digit or a sign inside, the longest of several; else the longest word."""
    words = [word.strip(".,;:?!()\"'`") for word in question.split()]
    return max(words, key=lambda word: (bool(re.search(r"[\d_/=:]|\w[.-]\w", word)), len(word)))


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerMemory:
    environment: Path
    name: ClassVar[str] = "server-memory"
    requirements: ClassVar[Requirements] = Node(packages=("@modelcontextprotocol/server-memory@2026.8.31",))
    needed: ClassVar[frozenset[str]] = frozenset({"create_entities", "search_nodes"})

    @asynccontextmanager
    async def open(self, store: Path) -> AsyncIterator[ServerMemorySession]:
        line = [str(self.environment / "node_modules" / ".bin" / "mcp-server-memory")]
        settings = {"MEMORY_FILE_PATH": str(store / "memory.jsonl")}
        async with over_stdio(line, environment=environment() | settings, store=store) as connection:
            yield ServerMemorySession(connection=connection)
