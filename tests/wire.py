"""Tool calls over bare connections, for more clients at once than the official one could be on two cores."""

import asyncio
import json
from urllib.parse import SplitResult


def calling(url: SplitResult, tool: str, **arguments: object) -> bytes:
    """The request for a tool call, after whose answer the server closes the connection."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    body = json.dumps(call).encode()
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Accept: application/json, text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def reporting(url: SplitResult, number: object) -> bytes:
    """The request that reports lesson `number`, with a key of its own."""
    report = {"task": f"task {number}", "outcome": "success", "insight": f"Lesson number {number}", "agent": "ann"}
    return calling(url, "submit_feedback", **report, key=f"{number}")


async def status_of(url: SplitResult, request: bytes) -> bytes:
    """The status of the answer to those bytes, and then the connection is closed."""
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(request)
        return (await reader.readline()).split()[1]
    finally:
        writer.close()


async def answered(url: SplitResult, request: bytes) -> None:
    """Returns once a tool call has succeeded."""
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(request)
        answer = await reader.read()
        assert b'"isError":false' in answer, answer
    finally:
        writer.close()
