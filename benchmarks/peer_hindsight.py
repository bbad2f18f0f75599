"""Hindsight without a language model: texts are kept whole, found by words and vectors, joined by rank.

One HTTP server with an embedded PostgreSQL serves everybody, so several processes are several clients of it. PostgreSQL
does not run as root: there, everything of Hindsight's runs as the user `nobody`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import anyio
import anyio.abc
from connection import ToolFailed
from legs import DIMENSION
from lessons import Lesson
from peer import START_SECONDS, CannotRun, McpConnection, connected, log_of
from peer_environments import Python, Requirements, binary
from process import ServerDidNotStart, environment, free_port, healthy, stop

BANK = "fleet"
PAGE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class HindsightSession:
    connection: McpConnection

    async def call(self, tool: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        """It reports failures as an answer that is not marked as an error."""
        said: dict[str, Any] = json.loads(await self.connection.text(tool, arguments))
        if said.get("error") or said.get("status") == "error":
            raise ToolFailed(f"{tool}: {said.get('error') or said.get('message')}")
        return said

    async def write(self, lesson: Lesson) -> None:
        await self.call("sync_retain", {"content": lesson.text})

    async def search(self, question: str, limit: int) -> Sequence[str]:
        try:
            said = await self.call("recall", {"query": question})
        except ToolFailed as failed:
            if f"Bank '{BANK}' not found" in str(failed):  # a bank begins with its first text
                return ()
            raise
        return [found["text"] for found in said["results"][:limit]]

    async def everything(self) -> str:
        texts: list[str] = []
        while True:
            said = await self.call("list_memories", {"limit": PAGE, "offset": len(texts)})
            texts += [memory["text"] for memory in said["items"]]
            if not said["items"]:
                return "\n".join(texts)

    async def tools(self) -> Sequence[Mapping[str, object]]:
        return await self.connection.tools()


@dataclass(kw_only=True, slots=True)
class Running:
    """A server and how many sessions are open on it."""

    process: anyio.abc.Process
    url: str
    sessions: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Hindsight:
    environment: Path
    embeddings: str
    running: dict[Path, Running] = field(default_factory=dict)
    starting: anyio.Lock = field(default_factory=anyio.Lock)
    name: ClassVar[str] = "hindsight"
    requirements: ClassVar[Requirements] = Python(packages=("hindsight-api-slim[embedded-db]==1.1.0",))
    needed: ClassVar[frozenset[str]] = frozenset({"sync_retain", "recall"})

    @asynccontextmanager
    async def open(self, store: Path) -> AsyncIterator[HindsightSession]:
        async with self.starting:
            server = self.running.get(store) or await self.start(store)
            self.running[store] = server
            server.sessions += 1
        try:
            async with connected(server.url) as connection:
                yield HindsightSession(connection=connection)
        finally:
            server.sessions -= 1
            if not server.sessions:
                del self.running[store]
                with anyio.CancelScope(shield=True):
                    await stop(server.process)  # and with it its database

    async def start(self, store: Path) -> Running:
        port = free_port()
        settings = {
            "HINDSIGHT_API_HOST": "127.0.0.1",
            "HINDSIGHT_API_PORT": str(port),
            "HINDSIGHT_API_DATABASE_URL": f"pg0://{BANK}",
            "HINDSIGHT_API_LLM_PROVIDER": "none",
            "HINDSIGHT_API_RERANKER_PROVIDER": "rrf",
            "HINDSIGHT_API_EMBEDDINGS_PROVIDER": "openai",
            "HINDSIGHT_API_EMBEDDINGS_OPENAI_API_KEY": "none",
            "HINDSIGHT_API_EMBEDDINGS_OPENAI_MODEL": "lessons",
            "HINDSIGHT_API_EMBEDDINGS_OPENAI_BASE_URL": self.embeddings,
            "HINDSIGHT_API_EMBEDDINGS_OPENAI_DIMENSIONS": str(DIMENSION),
        }
        if os.geteuid() == 0:
            shutil.chown(store, "nobody")
        process = await self.run([str(binary(self.environment, "hindsight-api"))], store, settings)
        try:
            await healthy(process, f"http://127.0.0.1:{port}/health", log_of(store), 2 * START_SECONDS)
        except ServerDidNotStart as error:
            await stop(process)
            raise CannotRun.because(RuntimeError("the server did not start"), log_of(store)) from error
        return Running(process=process, url=f"http://127.0.0.1:{port}/mcp/{BANK}/")

    async def run(self, line: Sequence[str], store: Path, settings: Mapping[str, str]) -> anyio.abc.Process:
        with log_of(store).open("ab") as log:
            return await anyio.open_process(
                line,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**environment(), "HOME": str(store), **settings},
                cwd=store,
                user="nobody" if os.geteuid() == 0 else None,
            )
