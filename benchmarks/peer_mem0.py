"""mem0 as a library: `add` with `infer=False` keeps a text as it is, without asking a language model.

Its default store, a local Qdrant, belongs to one process at a time. It has no tools; a process of its own stands for
an agent's.
"""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from connection import ToolFailed
from legs import DIMENSION
from lessons import Lesson
from peer import CALL_SECONDS, START_SECONDS, CannotRun, log_of
from peer_environments import Python, Requirements, binary
from process import environment

WORKER = Path(__file__).with_name("peer_mem0_worker.py")
LONGEST_LINE = 1 << 26


@dataclass(frozen=True, kw_only=True, slots=True)
class Mem0Session:
    process: Process

    async def call(self, call: Mapping[str, object]) -> list[str]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(call).encode() + b"\n")
        return await answered(self.process, CALL_SECONDS)

    async def write(self, lesson: Lesson) -> None:
        if not await self.call({"write": lesson.text}):
            raise ToolFailed("add: nothing was kept")

    async def search(self, question: str, limit: int) -> Sequence[str]:
        return await self.call({"search": question, "limit": limit})

    async def everything(self) -> str:
        return "\n".join(await self.call({}))

    async def tools(self) -> Sequence[Mapping[str, object]]:
        return ()


async def answered(process: Process, seconds: float) -> list[str]:
    assert process.stdout is not None
    async with asyncio.timeout(seconds):
        line = await process.stdout.readline()
    if not line:
        raise ToolFailed("the process ended")
    said = json.loads(line)
    if isinstance(said, dict):
        raise ToolFailed(said["error"])
    texts: list[str] = said
    return texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Mem0:
    environment: Path
    embeddings: str
    name: ClassVar[str] = "mem0ai"
    requirements: ClassVar[Requirements] = Python(packages=("mem0ai==2.2.1",))
    needed: ClassVar[frozenset[str]] = frozenset()

    @asynccontextmanager
    async def open(self, store: Path) -> AsyncIterator[Mem0Session]:
        line = [str(binary(self.environment, "python")), str(WORKER), str(store), self.embeddings, str(DIMENSION)]
        settings = {"MEM0_DIR": str(store / "mem0"), "MEM0_TELEMETRY": "False"}
        pipe = asyncio.subprocess.PIPE
        with log_of(store).open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *line, stdin=pipe, stdout=pipe, stderr=errors, limit=LONGEST_LINE, env=environment() | settings
            )
        try:
            try:
                await answered(process, START_SECONDS)
            except ToolFailed as ended:
                raise CannotRun.because(ended, log_of(store)) from ended
            yield Mem0Session(process=process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                async with asyncio.timeout(START_SECONDS):
                    await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
