"""The gate's parts that decide by themselves: how much one has taken, and whose name and page counts."""

import logging
import re

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetlore.server.access.buckets import Buckets
from fleetlore.server.access.complaints import Complaints
from fleetlore.server.access.gate import Gate
from fleetlore.server.access.settings import Access, Limits
from fleetlore.server.access.sources import Sources


def sources(listening, hosts=(), origins=()):
    return Sources(listening=listening, hosts=frozenset(hosts), origins=frozenset(origins))


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_minutes_worth_may_be_taken_at_once_and_comes_back_steadily():
    clock = Clock()
    buckets = Buckets(60, clock=clock)
    assert [buckets.take("a") for _ in range(60)] == [0] * 60
    assert (buckets.take("a"), buckets.take("b")) == (1, 0)
    clock.now = 1.5
    assert (buckets.take("a"), buckets.take("a")) == (0, 0)
    assert buckets.take("a") == 1.5


def test_without_a_rate_everything_may_be_taken():
    assert Buckets(0).take("a", 10**12) == 0


def test_of_many_callers_the_latest_are_remembered():
    buckets = Buckets(1, clock=lambda: 0, most=100)
    for number in range(1_000):
        buckets.take(number)
    assert [number for number in range(999, 799, -1) if buckets.take(number, 0)] == [*range(999, 899, -1)]


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 50)), max_size=60))
def test_nobody_ever_takes_more_than_two_minutes_worth_in_one(steps):
    clock = Clock()
    buckets, taken = Buckets(100, clock=clock), []
    for pause, amount in steps:
        clock.now += pause
        if not buckets.take("a", amount):
            taken.append((clock.now, amount))
    for start, _ in taken:
        assert sum(amount for at, amount in taken if start <= at <= start + 60) < 2 * 100 + 50


@pytest.mark.parametrize(
    ("listening", "host", "takes"),
    [
        ("127.0.0.1", "127.0.0.1:8717", True),
        ("127.0.0.1", "LOCALHOST", True),
        ("127.0.0.1", "[::1]:8717", True),
        ("127.0.0.1", "10.0.0.5:8717", False),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "memory.example.com", True),
        ("127.0.0.1", "Memory.Example.Com.:443", True),
        ("127.0.0.1", "other.example.com:8443", True),
        ("127.0.0.1", "other.example.com", False),
        ("0.0.0.0", "10.0.0.5:8717", True),
        ("0.0.0.0", "[fe80::1]", True),
        ("0.0.0.0", "evil.example", False),
        ("box.lan", "box.lan:8717", True),
        ("0.0.0.0", "", False),
        ("0.0.0.0", "10.0.0.5/", False),
        ("0.0.0.0", "user@10.0.0.5", False),
    ],
)
def test_a_server_answers_to_its_own_names(listening, host, takes):
    assert sources(listening, ["memory.example.com", "other.example.com:8443"]).takes_host(host) == takes


@pytest.mark.parametrize(
    ("listening", "origin", "takes"),
    [
        ("127.0.0.1", "http://localhost:5173", True),
        ("127.0.0.1", "https://app.example.com", True),
        ("127.0.0.1", "https://app.example.com:8443", False),
        ("127.0.0.1", "http://app.example.com", False),
        ("127.0.0.1", "http://10.0.0.5:8717", False),
        ("127.0.0.1", "null", False),
        ("127.0.0.1", "http://[::1", False),
        ("0.0.0.0", "http://localhost:5173", False),
        ("0.0.0.0", "http://memory.example.com", True),
        ("0.0.0.0", "https://memory.example.com", True),
        ("0.0.0.0", "https://memory.example.com:444", False),
    ],
)
def test_pages_of_the_server_itself_and_of_allowed_origins_may_call(listening, origin, takes):
    allowed = sources(listening, ["memory.example.com"], ["https://app.example.com"])
    assert allowed.takes_origin(origin, "memory.example.com") == takes


async def answered(app, limits):
    """What the gate sends of an application's answer."""
    gate, sent = Gate(app, Access(limits=limits), [], listening="127.0.0.1", alive=dict), []
    asked = {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"[::1]")],
    }

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    with anyio.fail_after(10):
        await gate(asked, receive, send)
    return sent


async def test_an_answer_must_begin_in_time_and_may_then_go_on():
    limits = Limits(call_seconds=0.05)

    async def silent(scope, receive, send):
        await anyio.sleep_forever()

    async def streaming(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with anyio.move_on_after(0.09):
            await anyio.sleep_forever()
        await send({"type": "http.response.body", "body": b"end"})

    start, body = await answered(silent, limits)
    assert (start["status"], body["body"]) == (
        504,
        b'{"error":"no answer was ready after 0.05 seconds. Send it again once."}',
    )
    assert [message.get("status", message.get("body")) for message in await answered(streaming, limits)] == [
        200,
        b"end",
    ]


def test_who_is_turned_away_again_and_again_does_not_fill_the_log(caplog):
    clock = Clock()
    complaints = Complaints(clock)
    with caplog.at_level(logging.WARNING):
        for number in range(1_000):
            complaints.note("10.0.0.1", "/mcp", "no token")
            complaints.note(f"10.0.1.{number % 250}", "/mcp", "no token")
        assert len(caplog.messages) <= 60
        clock.now = 120
        complaints.note("10.0.0.2", "/" + "x" * 500, "malformed")
    left_out = re.findall(r"\(([0-9,]+) more before it\)", caplog.text)
    assert len(caplog.messages) + sum(int(count.replace(",", "")) for count in left_out) == 2_001
    assert len(caplog.messages[-1]) < 200
