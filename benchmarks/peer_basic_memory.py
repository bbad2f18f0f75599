"""basic-memory over stdio: a note per lesson, as Markdown files with an index in SQLite.

It searches by words and vectors where the interpreter's SQLite loads extensions, else by words alone. Its threshold of
similarity is made for another model than ours and switched off.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import anyio
from connection import ToolFailed
from legs import DIMENSION
from lessons import Lesson
from peer import McpConnection, over_stdio
from peer_environments import Python, binary, probe
from process import environment

FOLDER = "lessons"


@dataclass(frozen=True, kw_only=True, slots=True)
class BasicMemorySession:
    connection: McpConnection
    notes: Path

    async def write(self, lesson: Lesson) -> None:
        note = {"title": lesson.insight, "content": lesson.text, "directory": FOLDER, "output_format": "json"}
        said = json.loads(await self.connection.text("write_note", note))
        if said.get("error") or said.get("action") != "created":
            raise ToolFailed(f"write_note: {said}")

    async def search(self, question: str, limit: int) -> Sequence[str]:
        asked = {"query": question, "page_size": limit, "output_format": "json"}
        said = json.loads(await self.connection.text("search_notes", asked))
        return [found["title"] for found in said.get("results", ())]

    async def everything(self) -> str:
        """Its notes are files, and these are what it calls the truth."""
        return "\n".join([await path.read_text() async for path in anyio.Path(self.notes).rglob("*.md")])

    async def tools(self) -> Sequence[Mapping[str, object]]:
        return await self.connection.tools()


@dataclass(frozen=True, kw_only=True, slots=True)
class BasicMemory:
    environment: Path
    embeddings: str
    name: ClassVar[str] = "basic-memory"
    requirements: ClassVar[Python] = Python(packages=("basic-memory==0.22.1", "mcp<2"), least=(3, 12), extensions=True)
    needed: ClassVar[frozenset[str]] = frozenset({"write_note", "search_notes"})

    @asynccontextmanager
    async def open(self, store: Path) -> AsyncIterator[BasicMemorySession]:
        notes = store / "notes"
        _, extensions = probe(str(binary(self.environment, "python")), self.requirements.least)
        settings = {
            "HOME": str(store),
            "BASIC_MEMORY_HOME": str(notes),
            "BASIC_MEMORY_CONFIG_DIR": str(store / "config"),
            "BASIC_MEMORY_AUTO_UPDATE": "false",
            "BASIC_MEMORY_NO_PROMOS": "1",
            "BASIC_MEMORY_SEMANTIC_SEARCH_ENABLED": str(extensions).lower(),
            "BASIC_MEMORY_SEMANTIC_EMBEDDING_PROVIDER": "openai",
            "BASIC_MEMORY_SEMANTIC_EMBEDDING_MODEL": "lessons",
            "BASIC_MEMORY_SEMANTIC_EMBEDDING_DIMENSIONS": str(DIMENSION),
            "BASIC_MEMORY_SEMANTIC_MIN_SIMILARITY": "0",
            "OPENAI_BASE_URL": self.embeddings,
            "OPENAI_API_KEY": "none",
        }
        line = [str(binary(self.environment, "basic-memory")), "mcp"]
        async with over_stdio(line, environment=environment() | settings, store=store) as connection:
            yield BasicMemorySession(connection=connection, notes=notes)
