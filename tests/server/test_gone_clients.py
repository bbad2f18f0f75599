"""Clients that go away in mid-call, and a thousand that come at once."""

import asyncio
import json
import resource
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import pytest
from killing import served

from fleet import COMMAND, http_server, in_process

CROWD = 1_000


def _request(url, number):
    report = {"task": f"task {number}", "outcome": "success", "insight": f"Lesson number {number}", "agent": "ann"}
    call = {"name": "submit_feedback", "arguments": report | {"key": f"{number}"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).encode()
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json, text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _status(url, data):
    """The status line of an answer to those bytes, and then the connection is closed."""
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(data)
        return (await reader.readline()).split()[1]
    finally:
        writer.close()


def _open_files(process):
    return len(list(Path(f"/proc/{process.pid}/fd").iterdir()))


async def test_clients_that_go_away_in_mid_call_leave_reports_whole_or_absent_and_the_server_goes_on(tmp_path):
    with http_server(tmp_path, "--calls-per-minute", "0") as (address, process):
        url = urlsplit(address)
        assert await _status(url, _request(url, "first")) == b"200"
        before = _open_files(process)
        for number in range(20):
            _, writer = await asyncio.open_connection(url.hostname, url.port)
            writer.write(_request(url, number))
            await writer.drain()
            writer.transport.abort()
        for number in range(20):
            assert await _status(url, _request(url, number)) == b"200"
        with anyio.fail_after(10):
            while _open_files(process) > before + 3:  # its end of what was closed closes a moment later
                assert await _status(url, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") == b"200"
    assert process.returncode == 0
    async with in_process(tmp_path) as fleet:
        status = await fleet.resource("fleetlore://status")
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
        assert (await fleet.resource("fleetlore://status"))["feedback"] == 1


@pytest.fixture
def many_files():
    """As many open files as a thousand connections need."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, max(before, 4 * CROWD)), most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_connections_at_once_are_all_answered_and_leave_nothing_open(tmp_path):
    with http_server(tmp_path, "--calls-per-minute", "0") as (address, process):
        url = urlsplit(address)
        health = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert await _status(url, _request(url, "first")) == b"200"
        before = _open_files(process)
        with anyio.fail_after(30):
            answers = await asyncio.gather(*(_status(url, health) for _ in range(CROWD)))
            assert set(answers) <= {b"200", b"503"}
            assert await _status(url, _request(url, "afterwards")) == b"200"
            while _open_files(process) > before + 3:
                assert await _status(url, health) == b"200"
    assert process.returncode == 0
