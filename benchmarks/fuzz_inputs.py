"""Requests that a fuzzed server is sent: half of them nearly right, half of them anything."""

from __future__ import annotations

import json
import string
from dataclasses import dataclass

from hypothesis import strategies as st

TOOLS = ("retrieve_knowledge", "submit_feedback", "prune")
ARGUMENTS = (
    "task", "limit", "max_tokens", "task_type", "project", "tags", "agent", "outcome", "reasoning", "insight", "kind",
    "applies_when", "output", "expected", "receipt", "helpful", "harmful", "replaces", "space", "key", "ids", "reason",
    "apply", "plan", "undo",
)  # fmt: skip
WORDS = (
    "", " ", "none", "auto", "success", "failure", "general", "prompt", "all", "k_0", "r_0", "p_0", "f_0", "\x00",
    "\ufeff", "\u202e", "' OR 1=1 --", "%00", "../../etc/passwd", "{{7*7}}", "true", "NaN", "1e999", "-1", "port: 5432",
    "😀" * 50,
)  # fmt: skip
METHODS = (
    "tools/call", "tools/list", "resources/read", "resources/list", "resources/templates/list", "prompts/get",
    "prompts/list", "initialize", "ping", "completion/complete", "notifications/initialized", "server/discover",
)  # fmt: skip
ROUTES = ("/mcp", "/sse", "/messages/", "/hooks", "/healthz", "/", "/.well-known/oauth-protected-resource")
RESOURCES = (
    "fleetlore://general",
    "fleetlore://gaps",
    "fleetlore://status",
    "fleetlore://item/",
    "fleetlore://prompt/",
)
_HEADER_NAMES = (
    "Accept", "Content-Type", "Content-Encoding", "Content-Length", "Transfer-Encoding", "Host", "Origin",
    "Authorization", "MCP-Protocol-Version", "Mcp-Session-Id", "Last-Event-ID", "Range", "Expect", "X-Forwarded-For",
)  # fmt: skip
_JSON = (("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream"))
_BODIES = (b"[" * 5000, b'{"a":' * 5000, b"[NaN]", b"{}", b"null", b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]')
_IN_PATHS = string.ascii_letters + string.digits + "/%?&=._-~"
HEADER_VALUES = ("application/json", "text/event-stream", "*/*", "0", "-1", "chunked", "gzip", "evil.example")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One HTTP request; `headers` come after the sender's own."""

    method: str = "POST"
    path: str = "/mcp"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def requests() -> st.SearchStrategy[Request]:
    """Give calls of tools, other messages, posts of hooks, and whatever else HTTP lets one send."""
    return st.one_of(_calls(), _calls(), _messages(), _hooks(), _anything())


def _texts() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(WORDS), st.text(max_size=200), st.text(string.printable, max_size=200))


def _values() -> st.SearchStrategy[object]:
    leaves = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        _texts(),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_texts(), inner, max_size=4)),
        max_leaves=8,
    )


def _calls() -> st.SearchStrategy[Request]:
    """A tool with a task and some other arguments, each nearly of its kind or of any."""
    value = st.one_of(_texts(), st.integers(-1, 60), st.lists(_texts(), max_size=4), _values())
    arguments = st.dictionaries(st.one_of(st.sampled_from(ARGUMENTS), _texts()), value, max_size=5)
    params = st.builds(
        lambda name, task, more: {"name": name, "arguments": {"task": task} | more},
        st.one_of(st.sampled_from(TOOLS), _texts()),
        _texts(),
        arguments,
    )
    return params.map(lambda sent: _message("tools/call", sent))


def _messages() -> st.SearchStrategy[Request]:
    uri = st.one_of(st.sampled_from(RESOURCES), st.builds("".join, st.tuples(st.sampled_from(RESOURCES), _texts())))
    params = st.one_of(
        uri.map(lambda where: {"uri": where}),
        st.fixed_dictionaries({"name": st.sampled_from(("start_task", "report_outcome", "none"))}).map(
            lambda named: named | {"arguments": {"task": "x"}}
        ),
        _values(),
    )
    return st.builds(_message, st.one_of(st.sampled_from(METHODS), _texts()), params)


def _hooks() -> st.SearchStrategy[Request]:
    names = ("hook", "event", "receipt", "receipts", "project", "max_tokens", "implicit", "outcome", "seen", "agent")
    body = st.one_of(st.dictionaries(st.sampled_from(names), st.one_of(_texts(), _values()), max_size=5), _values())
    return body.map(lambda said: Request(path="/hooks", headers=_JSON, body=_json(said)))


def _anything() -> st.SearchStrategy[Request]:
    header = st.tuples(
        st.one_of(st.sampled_from(_HEADER_NAMES), st.text(string.ascii_letters + "-", min_size=1, max_size=20)),
        st.one_of(
            st.sampled_from(
                ("application/json", "text/event-stream", "*/*", "0", "-1", "chunked", "gzip", "evil.example")
            ),
            st.text(string.ascii_letters + string.digits + string.punctuation + " ", max_size=60),
        ),
    )
    path = st.one_of(
        st.sampled_from(ROUTES),
        st.builds(
            "".join, st.tuples(st.sampled_from(ROUTES), st.text(string.ascii_letters + "/%?&=._-~", max_size=40))
        ),
    )
    body = st.one_of(st.binary(max_size=300), _values().map(_json), st.sampled_from(_BODIES))
    return st.builds(
        lambda method, path, headers, body: Request(method=method, path=path, headers=tuple(headers), body=body),
        st.sampled_from(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND")),
        path,
        st.lists(st.one_of(st.sampled_from(_JSON), header), max_size=4),
        body,
    )


def _message(method: str, params: object) -> Request:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return Request(headers=_JSON, body=_json(message))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()  # so half of a surrogate pair is valid JSON
