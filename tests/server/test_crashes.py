"""Servers killed in mid-work: what they acknowledged is there, once; what they did not may be sent again."""

import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor

import anyio
from command import told

from fleet import COMMAND, in_process

ROUNDS = 3
PROCESSES = 4
REPORTS = 10


def _line(number, method, params):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n"


def _reports(name):
    return [
        {
            "task": f"task {number} of {name}",
            "outcome": "success",
            "insight": f"{name} learnt lesson number {number}",
            "agent": name,
            "key": f"{name}/{number}",
        }
        for number in range(REPORTS)
    ]


def _killed_under_load(data, name, acknowledgements):
    """Starts a stdio server, sends it every report at once, kills it after some answers; returns the answers."""
    command = [*COMMAND, "serve", "--data", str(data)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "killer", "version": "1"}}
        process.stdin.write(_line(10_000, "initialize", hello))
        process.stdin.write('{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
        for number, report in enumerate(_reports(name)):
            process.stdin.write(_line(number, "tools/call", {"name": "submit_feedback", "arguments": report}))
        process.stdin.flush()
        acknowledged = {}
        while len(acknowledged) < acknowledgements:
            answer = json.loads(process.stdout.readline())
            if answer.get("id") != 10_000:
                assert not answer["result"]["isError"], answer
                acknowledged[answer["id"]] = answer["result"]["structuredContent"]
        process.kill()
        return acknowledged


def _twelve_kills(data):
    """Kills 12 servers that share one data directory, four at a time; returns what each had acknowledged."""
    chance = random.Random(7)
    acknowledged = {}
    with ThreadPoolExecutor(PROCESSES) as pool:
        for round_number in range(ROUNDS):
            names = [f"agent-{round_number}-{process}" for process in range(PROCESSES)]
            counts = [chance.randint(1, REPORTS - 2) for _ in names]
            acknowledged.update(
                zip(names, pool.map(_killed_under_load, [data] * PROCESSES, names, counts), strict=True)
            )
    return acknowledged


async def test_twelve_kills_lose_and_double_nothing_that_was_acknowledged(tmp_path):
    acknowledged = await anyio.to_thread.run_sync(_twelve_kills, tmp_path)
    found = await told("audit", "verify", "--data", tmp_path)
    assert found["whole"]
    assert found["events"] >= 2 * ROUNDS * PROCESSES
    async with in_process(tmp_path) as fleet:
        for name, answers in acknowledged.items():
            for number, answer in answers.items():
                insight = f"{name} learnt lesson number {number}"
                shown = await fleet.retrieve(f"task {number} of {name}", agent="reader", limit=50, max_tokens=20_000)
                same = [item["id"] for item in shown["items"] if item["insight"] == insight]
                assert same == [answer["learned"][0]["id"]]
        for name, answers in acknowledged.items():  # what is sent again with its key is stored once
            for number, report in enumerate(_reports(name)):
                again = await fleet.call("submit_feedback", **report)
                assert again == answers.get(number, again)
        items = (await fleet.resource("fleetlore://status"))["items"]["general"]
        assert sum(items.values()) == ROUNDS * PROCESSES * REPORTS
