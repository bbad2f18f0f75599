"""fleetlore over stdio, as an assistant starts it. It embeds by itself, in the server's process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import anyio
from connection import Connection
from lessons import Lesson
from lookup import teaching
from memory import FleetloreMemory
from peer import McpConnection, over_stdio
from peer_environments import Python, Requirements
from process import command, environment

AGENT = "agent"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetloreSession:
    connection: McpConnection
    memory: FleetloreMemory
    store: Path

    async def write(self, lesson: Lesson) -> None:
        await self.memory.report(teaching(lesson, AGENT))

    async def search(self, question: str, limit: int) -> Sequence[str]:
        shown = await self.memory.retrieve(question, limit=limit, agent=AGENT)
        return [item.insight for item in shown.items]

    async def everything(self) -> str:
        line = [sys.executable, "-m", "fleetlore.server", "export", "--data", str(self.store), "--format", "jsonl"]
        done = await anyio.run_process(line, env=environment(), cwd=self.store, stderr=subprocess.DEVNULL)
        return done.stdout.decode()

    async def tools(self) -> Sequence[Mapping[str, object]]:
        return await self.connection.tools()


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleetlore:
    """The tree that this script belongs to. The environment is made only to be weighed."""

    name: ClassVar[str] = "fleetlore"
    requirements: ClassVar[Requirements] = Python(packages=(str(ROOT),))
    needed: ClassVar[frozenset[str]] = frozenset({"retrieve_knowledge", "submit_feedback"})

    @asynccontextmanager
    async def open(self, store: Path) -> AsyncIterator[FleetloreSession]:
        line = command(store)
        async with over_stdio(line, environment=environment(), store=store) as connection:
            memory = FleetloreMemory(connection=Connection(client=connection.client))
            yield FleetloreSession(connection=connection, memory=memory, store=store)
