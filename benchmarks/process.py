"""A fleetlore server in a process of its own, as an IDE or a fleet starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc
import httpx2
from mcp import StdioServerParameters, stdio_client
from mcp.client._transport import TransportStreams

START_SECONDS = 60.0
STOP_SECONDS = 15.0
UNLIMITED = ("--calls-per-minute", "0", "--bytes-per-minute", "0")


class ServerDidNotStart(RuntimeError):
    """The process ended, or did not answer `/healthz` in time; carries the end of its log."""

    @classmethod
    def logged(cls, log: Path) -> ServerDidNotStart:
        return cls(f"The server did not start. The end of its log:\n{log.read_text(errors='replace')[-2000:]}")


def command(data: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "fleetlore.server", "serve", "--data", str(data), *options]


def environment() -> dict[str, str]:
    """This process's environment without the user's own fleetlore settings, which would change what is measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FLEETLORE_")}


def log_of(data: Path) -> Path:
    """Where the server on this folder logs: beside the folder, which belongs to the server alone."""
    return data.with_name(f"{data.name}.log")


@asynccontextmanager
async def stdio_server(data: Path, *options: str) -> AsyncIterator[TransportStreams]:
    """Run a stdio server until the block ends.

    It runs inside its data folder, so that no repository around it names a project.
    """
    program, *arguments = command(data, *options)
    start = StdioServerParameters(command=program, args=arguments, env=environment(), cwd=data)
    with log_of(data).open("a") as errors:
        async with stdio_client(start, errlog=errors) as streams:
            yield streams


@asynccontextmanager
async def http_server(data: Path, *options: str) -> AsyncIterator[str]:
    """Run an HTTP server on a free port of loopback until the block ends. Yields the address of its MCP endpoint."""
    async with http_process(data, *options) as (url, _):
        yield url


@asynccontextmanager
async def http_process(data: Path, *options: str) -> AsyncIterator[tuple[str, int]]:
    """The same, with the id of the process."""
    port = free_port()
    line = command(data, "--transport", "http", "--port", str(port), *UNLIMITED, *options)
    async with listening(line, port, data) as pid:
        yield f"http://127.0.0.1:{port}/mcp", pid


@asynccontextmanager
async def listening(line: Sequence[str], port: int, data: Path) -> AsyncIterator[int]:
    """Run a process that answers `/healthz` on that port of loopback, until the block ends. Yields its id."""
    log = log_of(data)
    with log.open("ab") as errors:
        process = await anyio.open_process(
            line, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, env=environment(), cwd=data
        )
        try:
            await healthy(process, f"http://127.0.0.1:{port}/healthz", log)
            yield process.pid
        finally:
            with anyio.CancelScope(shield=True):
                await stop(process)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def healthy(process: anyio.abc.Process, url: str, log: Path, seconds: float = START_SECONDS) -> None:
    async with httpx2.AsyncClient() as http:
        with anyio.move_on_after(seconds):
            while process.returncode is None:
                try:
                    if (await http.get(url)).status_code == 200:
                        return
                except httpx2.TransportError:
                    pass  # not listening yet
                await anyio.sleep(0.05)
    raise ServerDidNotStart.logged(log)


async def stop(process: anyio.abc.Process) -> None:
    if process.returncode is None:
        process.terminate()
    with anyio.move_on_after(STOP_SECONDS):
        await process.wait()
        return
    process.kill()
    await process.wait()
