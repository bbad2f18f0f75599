"""The demo's fleet: a real server in a process of its own, and a client of its own for each agent."""

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client
from mcp.types import CallToolResult, TextContent, TextResourceContents

from fleetlore.server.demo.agent import choose, report
from fleetlore.server.demo.attempt import Attempt, Lesson, Share, Statement
from fleetlore.server.demo.world import Task, World
from fleetlore.storage.errors import ServerEnded

_LISTENS = "fleetlore listens on "
_START_SECONDS = 60
_STOP_SECONDS = 10
_NOTICED_SECONDS = 0.5  # from the end of a process until we know of it
_CALL_SECONDS = 30
_LOGGED = 5  # lines of the server's log that an error shows
_LONGEST_LINE = 100_000
_UNLIMITED = ("--calls-per-minute", "0", "--bytes-per-minute", "0")  # a scripted fleet is faster than any other


@asynccontextmanager
async def serving(data: Path, *options: str) -> AsyncIterator[str]:
    """Runs a server over a data directory for the block; gives its address. It has ended when the block has.

    A terminal's Ctrl-C does not reach the server: agents should not see it go before they do.
    """
    command = [sys.executable, "-m", "fleetlore.server", "serve", "--transport", "http", "--port", "0"]
    process = await anyio.open_process(
        [*command, *_UNLIMITED, "--data", str(data), *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if not name.startswith("FLEETLORE_")},
        start_new_session=True,
    )
    log: deque[str] = deque(maxlen=_LOGGED)
    listening = anyio.Event()

    async def read_log() -> None:
        assert process.stderr is not None
        lines = BufferedByteReceiveStream(process.stderr)
        try:
            while True:
                log.append((await lines.receive_until(b"\n", _LONGEST_LINE)).decode(errors="replace"))
                if _LISTENS in log[-1]:
                    listening.set()
        except (anyio.IncompleteRead, anyio.ClosedResourceError):
            listening.set()  # it has ended, or is about to

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read_log)
            with anyio.move_on_after(_START_SECONDS):
                await listening.wait()
            address = next((line.partition(_LISTENS)[2].strip() for line in log if _LISTENS in line), "")
            if not address:
                raise ServerEnded(log)
            yield address
            tasks.cancel_scope.cancel()
    except Exception as error:
        # Whatever an agent met, that the server is gone explains it.
        with anyio.move_on_after(_NOTICED_SECONDS):
            await process.wait()
            raise ServerEnded(log) from error
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await _stop(process)


async def _stop(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    with anyio.move_on_after(_STOP_SECONDS):
        await process.wait()
    if process.returncode is None:
        process.kill()
    await process.aclose()


class Fleet:
    """The agents at their clients, and who stated which item first."""

    def __init__(self, world: World, clients: Mapping[str, Client]) -> None:
        self._world = world
        self._clients = clients
        self._stated: dict[str, Statement] = {}

    @classmethod
    @asynccontextmanager
    async def connected(cls, world: World, address: str) -> AsyncIterator["Fleet"]:
        """A client for every agent, for the block."""
        async with AsyncExitStack() as stack:
            yield cls(
                world,
                {
                    name: await stack.enter_async_context(Client(address, read_timeout_seconds=_CALL_SECONDS))
                    for name in world.agents
                },
            )

    def statement(self, item: str) -> Statement:
        """What an item says and who said it first."""
        return self._stated[item]

    async def attempt(self, task: Task) -> Attempt:
        """Has an agent do its task: ask, choose, try, report."""
        careless = task.agent == self._world.careless
        project = task.trouble.repository
        found = await self._call(task.agent, "retrieve_knowledge", task=task.text, project=project)
        choice = choose(task, found["items"])
        arguments = report(task, choice, shown=bool(found["items"]), careless=careless)
        learned: list[dict[str, Any]] = []
        if not task.forgetful:
            answer = await self._call(task.agent, "submit_feedback", receipt=found["receipt"], **arguments)
            learned = answer.get("learned", [])
        for lesson in learned:
            if item := lesson.get("id"):
                remedy = choice.first if careless else task.right
                self._stated.setdefault(item, Statement(task=task, remedy=remedy))
        return Attempt(
            task=task,
            mode=found["control"]["mode"],
            shown=len(found["items"]),
            first=choice.first,
            followed=choice.followed,
            tries=choice.tries(task),
            borne_out=choice.borne_out,
            reported=not task.forgetful,
            careless=careless,
            stated="" if task.forgetful else arguments.get("insight", ""),
            decisions=tuple(lesson["decision"] for lesson in learned),
        )

    async def lessons(self) -> list[Lesson]:
        """Every item that an agent stated, as the server has it now."""
        now = {task.trouble: task.right for task in self._world.tasks}
        found = []
        for item, statement in self._stated.items():
            told = await self._read(f"fleetlore://item/{item}")
            found.append(
                Lesson(
                    agent=statement.agent,
                    right=statement.remedy == now[statement.task.trouble],
                    confidence=told["confidence"],
                    status="superseded" if told["superseded_by"] else told["status"],
                )
            )
        return found

    async def receipts(self) -> Share:
        """How many receipts were answered of how many the server gave."""
        told = (await self._read("fleetlore://status"))["receipts"]
        return Share(count=told["answered"], of=told["given"])

    async def _read(self, address: str) -> dict[str, Any]:
        [content] = (await self._clients[self._world.agents[0]].read_resource(address)).contents
        assert isinstance(content, TextResourceContents)
        told: dict[str, Any] = json.loads(content.text)
        return told

    async def _call(self, agent: str, tool: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        result: CallToolResult = await self._clients[agent].call_tool(tool, {**arguments, "agent": agent})
        if result.is_error:
            said = " ".join(block.text for block in result.content if isinstance(block, TextContent))
            raise RuntimeError(f"{tool}: {said}")
        answer: dict[str, Any] = result.structured_content
        return answer
