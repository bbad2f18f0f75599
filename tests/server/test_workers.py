"""Several workers at one address: one memory, one start and end, and none is missed for long."""

import os
import signal
import socket
import subprocess
from urllib.error import HTTPError
from urllib.request import urlopen

import anyio
import pytest
from mcp import Client

from fleet import COMMAND, Fleet, children, http_server

WORKERS = ("--workers", "2")
CLIENTS = 8


async def _told_and_found(address, name):
    """Each of several clients tells a lesson, and then finds what all have told."""
    lessons = {f"Lesson {name} of client {number}" for number in range(CLIENTS)}

    async def tell(lesson):
        async with Client(f"{address}/mcp") as client:
            await Fleet(client).teach(lesson, task=f"the tasks of {name}", agent=lesson.replace(" ", "-"))

    async def find():
        async with Client(f"{address}/mcp") as client:
            found = await Fleet(client).retrieve(f"the tasks of {name}", limit=2 * CLIENTS, max_tokens=20_000)
            assert {item["insight"] for item in found["items"]} >= lessons

    async with anyio.create_task_group() as tasks:
        for lesson in lessons:
            tasks.start_soon(tell, lesson)
    async with anyio.create_task_group() as tasks:
        for _ in range(CLIENTS):
            tasks.start_soon(find)


async def test_workers_are_one_server_and_one_that_is_killed_is_replaced(tmp_path):
    with http_server(tmp_path / "data", *WORKERS) as (address, process), anyio.fail_after(120):
        first, second = children(process.pid)
        await _told_and_found(address, "before")
        os.kill(first, signal.SIGKILL)
        while len(living := children(process.pid)) < 2 or first in living:  # noqa: ASYNC110  processes tell no event
            await anyio.sleep(0.05)
        assert second in living
        await _told_and_found(address, "after")
        assert "/mcp" in _answer_of_legacy(address)
    assert process.returncode == 0
    with pytest.raises(ConnectionRefusedError):
        _connect(address)


async def test_workers_end_with_whoever_started_them(tmp_path):
    with http_server(tmp_path / "data", *WORKERS) as (address, process):
        process.kill()
        with anyio.fail_after(30), pytest.raises(ConnectionRefusedError):
            while True:
                _connect(address)
                await anyio.sleep(0.05)


def _answer_of_legacy(address):
    with pytest.raises(HTTPError, match="501") as refused:
        urlopen(f"{address}/sse", timeout=10)
    return refused.value.read().decode()


def _connect(address):
    host, port = address.removeprefix("http://").split(":")
    socket.create_connection((host, int(port)), timeout=10).close()


def _refused(*options):
    command = [*COMMAND, "serve", *map(str, options), *WORKERS]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1), ended.stderr
    return ended.stderr


def test_what_workers_cannot_do_is_told_once(tmp_path):
    assert "--transport http" in _refused("--data", tmp_path / "data")
    (tmp_path / "file").touch()
    assert "it is a file" in _refused("--transport", "http", "--port", "0", "--data", tmp_path / "file")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port}" in _refused("--transport", "http", "--port", port, "--data", tmp_path / "data")
    assert not (tmp_path / "data").exists()
