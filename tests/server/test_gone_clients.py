"""Clients that go away in mid-call, a thousand that come at once, and what is left once their servers have ended."""

import asyncio
import os
import re
import resource
import signal
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import pytest
from command import told
from killing import Lines, served
from wire import answered, calling, reporting, status_of

from fleet import COMMAND, http_server, in_process

CROWD = 1_000
MOST_KB = 600_000
SOCKET = "socket:"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
RUNNING = Path(__file__).parents[2] / "docs" / "running.md"


def _open_files(process, kind=""):
    """How many, of that kind; threads that come and go, and LanceDB, keep some of their own open."""
    found = 0
    for file in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found += str(file.readlink()).startswith(kind)
    return found


def _most_memory(process):
    """In KB."""
    [line] = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text("ascii"))
    return int(line)


async def test_clients_that_go_away_in_mid_call_leave_reports_whole_or_absent_and_the_server_goes_on(tmp_path):
    with http_server(tmp_path, "--calls-per-minute", "0") as (address, process):
        url = urlsplit(address)
        await answered(url, reporting(url, "first"))
        before = _open_files(process, SOCKET)
        for number in range(20):
            _, writer = await asyncio.open_connection(url.hostname, url.port)
            writer.write(reporting(url, number))
            await writer.drain()
            writer.transport.abort()
        for number in range(20):
            await answered(url, reporting(url, number))
        with anyio.fail_after(10):
            while _open_files(process, SOCKET) > before + 5:  # its end of what was closed closes a moment later
                assert await status_of(url, HEALTH) == b"200"
    assert process.returncode == 0
    async with in_process(tmp_path) as fleet:
        status = await fleet.status()
        assert (status["feedback"], sum(status["items"]["general"].values())) == (21, 21)


async def test_a_stdio_server_whose_client_goes_away_in_mid_call_ends_with_the_report_whole_or_absent(tmp_path):
    report = {"task": "deploy", "outcome": "success", "insight": "Drain first", "agent": "ann", "key": "one"}
    with served(COMMAND, tmp_path) as server:
        server.send(1, "submit_feedback", **report)
        server.process.stdin.close()
        assert await anyio.to_thread.run_sync(server.process.wait, 20) == 0
    async with in_process(tmp_path) as fleet:
        first = await fleet.call("submit_feedback", **report)
        assert await fleet.call("submit_feedback", **report) == first
        assert (await fleet.status())["feedback"] == 1


@pytest.fixture
def many_files():
    """As many open files as a thousand connections need."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, max(before, 4 * CROWD)), most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_calls_at_once_are_all_answered_and_leave_nothing_open(tmp_path):
    with http_server(tmp_path, "--calls-per-minute", "0") as (address, process):
        url = urlsplit(address)
        retrieval = calling(url, "retrieve_knowledge", task="task first", agent="eve")
        await answered(url, reporting(url, "first"))
        await answered(url, retrieval)
        before = _open_files(process, SOCKET)
        with anyio.fail_after(60):
            reports = [answered(url, reporting(url, number)) for number in range(0, CROWD, 2)]
            retrievals = [answered(url, retrieval) for _ in range(1, CROWD, 2)]
            await asyncio.gather(*reports, *retrievals)
            await answered(url, reporting(url, "afterwards"))
            while _open_files(process, SOCKET) > before + 5:
                assert await status_of(url, HEALTH) == b"200"
        assert _open_files(process) < before + CROWD / 10
        assert _most_memory(process) < MOST_KB
    assert process.returncode == 0
    async with in_process(tmp_path) as fleet:
        status = await fleet.status()
        assert (status["feedback"], status["receipts"]["given"]) == (CROWD / 2 + 2, CROWD / 2 + 1)


def _lives(group):
    """Whether any process of that group does."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _ended(data, end, code):
    """A server with a process group of its own that has answered and was ended; returns the group."""
    pipe = subprocess.PIPE
    line = [*COMMAND, "serve", "--data", str(data)]
    options = {"stdin": pipe, "stdout": pipe, "stderr": subprocess.DEVNULL, "text": True, "start_new_session": True}
    with subprocess.Popen(line, **options) as process:
        lines = Lines(process)
        lines.greet()
        lines.send(1, "submit_feedback", task="deploy", outcome="success", insight=f"Lesson of {end.__name__}")
        assert not lines.answer()["result"]["isError"]
        lines.send(2, "retrieve_knowledge", task="deploy")
        assert not lines.answer()["result"]["isError"]
        end(process)
        assert process.wait(60) == code
    return process.pid


def _terminated(process):
    process.terminate()


def _left(process):
    process.stdin.close()


def _killed(process):
    process.kill()


def _names(row):
    names = re.findall(r"`([^`]+)`", row)
    return [names[0] + name if name[0] in "-." else name for name in names]


async def test_once_servers_have_ended_in_whatever_way_none_of_their_processes_and_files_is_left(tmp_path):
    groups = []

    async def ended(end, code):
        groups.append(await anyio.to_thread.run_sync(partial(_ended, tmp_path, end, code)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ended, _terminated, 0)
        tasks.start_soon(ended, _left, 0)
        tasks.start_soon(ended, _killed, -signal.SIGKILL)
    assert [group for group in groups if _lives(group)] == []
    table = RUNNING.read_text("utf-8").partition("## The data directory")[2]
    listed = {name.rstrip("/") for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in _names(row)}
    assert {file.name for file in tmp_path.iterdir()} <= listed
    async with in_process(tmp_path) as fleet:
        await fleet.rests()
    left = {"ledger.sqlite", "spaces", "write.lock", "maintain.lock", "next.lock"}
    assert {file.name for file in tmp_path.iterdir()} == left
    assert [file for file in tmp_path.rglob("*") if "tmp" in file.name or file.name.endswith(".new")] == []
    assert {finding["state"] for finding in await told("check", "--data", tmp_path)} == {"ok"}
