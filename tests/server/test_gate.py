"""The gate over a real HTTP server: who is let in, as whom, with what, and how much of it."""

import gzip
import http.client
import json
import socket
import ssl
import subprocess
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
from command import run
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from fleet import COMMAND, Fleet, http_server
from fleetlore.server.access import issuing
from fleetlore.server.doctor.reachable import answers
from fleetlore.server.hooks.remote import ask
from fleetlore.server.hooks.requests import Stop
from fleetlore.server.settings import utc_now
from fleetlore.server.status import VERSION
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.errors import Refusal, ServerUnreachable
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import AgentName

LIMITS = ("--calls-per-minute", "400", "--bytes-per-minute", "2000000", "--max-request-bytes", "100000")
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
BOSS = AgentName("boss")
DAY = timedelta(days=1)
# A new connection for each request, but not the reading of every certificate there is.
HTTP = httpx2.Client(timeout=30, verify=False, limits=httpx2.Limits(max_keepalive_connections=0))
TRYING = '{"hook": "stop", "receipts": []}'


async def issued(data, agent, *scopes, lasting=DAY, clock=utc_now):
    """A token's text."""
    async with Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=clock) as ledger:
        return (await issuing.issue(ledger, agent, scopes or ("read", "write"), lasting, by=BOSS))[1]


async def ended(data, text):
    async with Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger:
        await issuing.revoke(ledger, [text], "", by=BOSS)


def bearing(token):
    return {"Authorization": f"Bearer {token}"}


def asked(address, path="/hooks", *, token="", body=TRYING, method="POST", **headers):
    """An answer: status, headers, and JSON."""
    sent = {**JSON, **(bearing(token) if token else {}), **{n.replace("_", "-"): v for n, v in headers.items()}}
    answer = HTTP.request(method, f"{address}{path}", content=body, headers=sent)
    return answer.status_code, answer.headers, answer.json()


@asynccontextmanager
async def connected(address, token, mode="auto"):
    """The official client, with a token."""
    async with (
        httpx2.AsyncClient(headers=bearing(token)) as http,
        Client(streamable_http_client(f"{address}/mcp", http_client=http), mode=mode) as client,
    ):
        yield Fleet(client)


def status(*arguments, **options):
    return asked(*arguments, **options)[0]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server on which a token was made: its address and its data directory, and that token."""
    data = tmp_path_factory.mktemp("guarded")
    token = anyio.run(issued, data, "alice")
    with http_server(data, *LIMITS, "--body-timeout", "0.5") as (address, _):
        yield address, data, token


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory):
    """A server on which nobody has made a token."""
    with http_server(tmp_path_factory.mktemp("unguarded")) as (address, _):
        yield address


# Tokens


@pytest.mark.parametrize("path", ["/mcp", "/sse", "/messages/", "/hooks", "/", "/nothing", "/healthz/x", "/docs"])
def test_without_a_token_every_path_is_refused_alike(guarded, path):
    status, headers, said = asked(guarded[0], path)
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="fleetlore"')
    sentence = said["error"]["message"] if isinstance(said["error"], dict) else said["error"]
    assert "there is no token with it. Send one that counts" in sentence


def test_health_says_only_that_the_server_lives_but_to_who_may_read(guarded):
    address, data, token = guarded
    alive = {"status": "ok"}
    writer = anyio.run(issued, data, "only-writes", "write")
    for known in ("", "flt_x", writer):
        assert asked(address, "/healthz", method="GET", token=known, body=b"")[2] == alive
    assert asked(address, "/healthz", method="GET", token=token, body=b"")[2]["version"] == VERSION


async def test_a_token_that_does_not_count_is_refused_whatever_is_wrong_with_it(guarded):
    address, data, token = guarded
    expired = await issued(data, "old", clock=lambda: utc_now() - 2 * DAY)
    revoked = await issued(data, "gone")
    await ended(data, revoked)
    other = await issued(data, "other")
    id_of_other = other[:25]
    wrong = [
        *(expired, revoked, token[:-1], token + "x", token.upper(), f"{token} {token}", "flt_", "x", "é", "a" * 9_000),
        id_of_other + token[25:],  # the secret of another token
    ]
    for each in wrong:
        answer = HTTP.post(f"{address}/hooks", headers={**JSON, "Authorization": f"Bearer {each}".encode()})
        assert answer.status_code == 401, each
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="fleetlore", error="invalid_token"'
        assert token[25:] not in answer.text
    assert status(address, token=token) == 200


def test_only_one_bearer_token_in_its_header_counts(guarded):
    address, _, token = guarded
    for given in (f"Basic {token}", f"Token {token}", token, "Bearer", f"Bearer {token}, Bearer {token}"):
        assert status(address, Authorization=given) == 401
    assert status(address, f"/hooks?token={token}&access_token={token}") == 401
    assert status(address, Cookie=f"token={token}") == 401
    assert status(address, Authorization=f"bearer {token}") == 200
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}"), *JSON.items()]
    assert HTTP.post(f"{address}/hooks", headers=twice, content=TRYING).status_code == 401


async def test_a_revoked_token_ends_at_once_and_the_gate_stays_shut(tmp_path):
    with http_server(tmp_path) as (address, _):
        assert status(address) == 200
        token = await issued(tmp_path, "alice")
        assert (status(address), status(address, token=token)) == (401, 200)
        await ended(tmp_path, token)
        assert (status(address), status(address, token=token)) == (401, 401)


# Identity and scopes


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_tools_caller_is_the_tokens_agent_and_nobody_else(guarded, mode):
    address, _, token = guarded
    async with connected(address, token, mode) as fleet:
        learned = (await fleet.submit("t", outcome="success", insight=f"Use {mode}", agent="alice"))["learned"]
        item = await fleet.resource(f"fleetlore://item/{learned[0]['id']}")
        assert item["author"] == "alice"
        for tool in ("retrieve_knowledge", "submit_feedback"):
            assert await fleet.refusal(tool, task="t", agent="bob") == (
                "agent: the token that came with this is alice's, not bob's. Leave agent out."
            )
        assert "needs the scope prune" in await fleet.refusal("prune")


async def test_over_sse_the_token_of_each_message_counts_and_nobody_gets_into_anothers_session(guarded):
    address, data, token = guarded
    reading, other = await issued(data, "alice", "read"), await issued(data, "mallory")
    async with (
        httpx2.AsyncClient(base_url=address, headers=JSON, timeout=30) as http,
        http.stream("GET", "/sse", headers=bearing(token)) as stream,
    ):
        lines = stream.aiter_lines()

        async def told():
            async for line in lines:
                if line.startswith("data: "):
                    return line.removeprefix("data: ")

        session = await told()

        async def post(bearer, message):
            answer = await http.post(
                session, headers=bearing(bearer) if bearer else {}, json={"jsonrpc": "2.0", **message}
            )
            return answer.status_code

        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
        greeting = {"id": 1, "method": "initialize", "params": hello}
        assert (await post("", greeting), await post(other, greeting)) == (401, 404)
        assert await post(token, greeting) == 202
        await told()
        await post(token, {"method": "notifications/initialized"})
        call = {"name": "submit_feedback", "arguments": {"task": "t", "outcome": "success"}}
        for number, (bearer, sentence) in enumerate(((reading, "needs the scope write"), (token, "feedback: f_"))):
            assert await post(bearer, {"id": number, "method": "tools/call", "params": call}) == 202
            assert sentence in json.loads(await told())["result"]["content"][0]["text"]


async def test_hooks_need_their_scopes_and_take_reports_on_ones_own_receipts_alone(guarded):
    address, data, token = guarded
    async with connected(address, token) as fleet:
        receipt = (await fleet.retrieve("a task of alice's"))["receipt"]
    reading, other = await issued(data, "alice", "read"), await issued(data, "eve")
    report = json.dumps({"hook": "report", "receipt": receipt, "implicit": "tests-passed"})
    seen = json.dumps({"hook": "tool-use", "receipts": [receipt], "implicit": "tests-passed"})
    stop = json.dumps({"hook": "stop", "receipts": [receipt]})
    assert (status(address, token=reading, body=report), status(address, token=reading, body=seen)) == (403, 403)
    refused = asked(address, token=other, body=report)
    assert (refused[0], refused[2]["refused"]["problem"]) == (400, f"{receipt} is unknown here")
    assert asked(address, token=other, body=seen)[2] == asked(address, token=other, body=stop)[2] == {}
    assert "a task of alice's" in asked(address, token=token, body=stop)[2]["reason"]
    assert asked(address, token=token, body=report)[2]["known"] is False


def test_hooks_and_the_doctor_say_what_is_wrong_with_a_token(guarded):
    address, data, token = guarded
    writer = anyio.run(issued, data, "writer", "write")
    with pytest.raises(
        ServerUnreachable, match="it answers 401, this request is not let in: there is no token with it"
    ):
        ask(f"{address}/mcp", Stop(receipts=()), token="")
    with pytest.raises(ServerUnreachable, match="it answers 403, /hooks stop needs the scope read"):
        ask(f"{address}/mcp", Stop(receipts=()), token=writer)
    assert ask(f"{address}/mcp", Stop(receipts=()), token=token) == {}
    for known, state, seen in (
        ("", "warning", "asks for a token, and none is known here"),
        ("flt_x", "warning", "the token is not let in: it is wrong, has expired or was revoked"),
        (writer, "warning", "the token does not have the scope read"),
        (token, "ok", "answers: ok"),
    ):
        [found] = answers(f"{address}/mcp", asked_for=True, token=known)
        assert (found.state, found.seen.endswith(seen)) == (state, True), found


# Browsers


HERE = "http://127.0.0.1:3000"


def test_no_page_of_elsewhere_reaches_a_server_on_this_machine(unguarded):
    assert status(unguarded) == 200
    for origin in (
        "http://evil.example",
        "https://evil.example",
        "null",
        "",
        "file://",
        "http://127.0.0.1.evil.example",
    ):
        for kind in ("application/json", "text/plain"):
            assert status(unguarded, Origin=origin, Content_Type=kind) == 403, origin
    for host in ("evil.example", "evil.example:8717", "127.0.0.1.evil.example", "a@127.0.0.1", ""):
        assert status(unguarded, Host=host) == 421, host
    assert status(unguarded, Origin=HERE, Host="localhost:1") == status(unguarded, Host="[::1]") == 200
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        assert status(unguarded, Content_Type=kind) == 415


def test_a_network_and_a_page_that_are_trusted_plainly_are_served(tmp_path):
    page = "https://app.example.com"
    options = ("--allow-origin", page, "--allow-host", "memory.example.com")
    with http_server(tmp_path, "--host", "0.0.0.0", "--allow-anonymous-network", *options) as (told, _):
        address = told.replace("0.0.0.0", "127.0.0.1")
        preflight = {"Origin": page, "Access-Control-Request-Method": "POST", "Host": "memory.example.com"}
        asking = {**preflight, "Access-Control-Request-Headers": "authorization,content-type"}
        allowed = HTTP.options(f"{address}/mcp", headers=asking)
        assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (200, page)
        code, headers, _ = asked(address, Origin=page)
        assert (code, headers["Access-Control-Allow-Origin"]) == (200, page)
        assert status(address, Origin="https://other.example.com") == 403


# Bodies


def test_a_body_that_is_too_large_is_refused_by_what_it_says_and_by_what_comes(guarded):
    address, _, token = guarded
    sentence = "the body is longer than 100,000 bytes. Send less at a time."
    hundred_megabytes = b" " * 100_000_000
    assert asked(address, token=token, body=hundred_megabytes)[::2] == (413, {"error": sentence})
    answer = HTTP.post(f"{address}/hooks", headers={**JSON, **bearing(token)}, content=iter([b" " * 50_000] * 3))
    assert (answer.status_code, answer.json()["error"]) == (413, sentence)


def test_a_compressed_body_is_refused_unopened(guarded):
    address, _, token = guarded
    bomb = gzip.compress(b"0" * 50_000_000)
    assert asked(address, token=token, body=bomb, Content_Encoding="gzip")[0] == 415
    assert status(address, token=token, Content_Encoding="identity") == 200


@pytest.mark.parametrize("path", ["/mcp", "/hooks", "/messages/"])
@pytest.mark.parametrize(
    "body", [b"[" * 90_000, b'{"a":' * 15_000, b"[" * 40_000 + b"]" * 40_000, b"{", b"\xff", b"NaN"]
)
def test_what_is_no_json_or_nested_too_deeply_is_refused(guarded, path, body):
    address, _, token = guarded
    status, _, said = asked(address, path, token=token, body=body)
    sentence = said["error"]["message"].removeprefix("fleetlore: ") if path != "/hooks" else said["error"]
    assert (status, sentence) == (400, "the body is no JSON, or nested deeper than 200 levels. Mend it.")


@pytest.mark.parametrize("path", ["/mcp", "/messages/"])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b'"x"', b'{"id": 1}', b'{"jsonrpc": "2.0", "id": 1, "method": "x", "params": ["mine"]}']
)
def test_what_is_no_message_is_refused_in_a_sentence_that_quotes_nothing_of_it(guarded, path, body):
    address, _, token = guarded
    status, _, said = asked(address, path, token=token, body=body)
    reason = "no JSON-RPC message: one object with" if body else "no JSON, or nested"
    assert (status, said["error"]["message"].startswith(f"fleetlore: the body is {reason}")) == (400, True)
    assert "mine" not in said["error"]["message"]


def test_who_wants_to_go_on_with_a_stream_is_told_that_none_is_kept(guarded):
    address, _, token = guarded
    headers = {"Accept": "application/json, text/event-stream", "Last-Event-ID": "7", **bearing(token)}
    answer = HTTP.get(f"{address}/mcp", headers=headers)
    assert (answer.status_code, "streams are not kept" in answer.text) == (400, True)


async def test_a_client_is_shown_the_sentence_that_turned_it_away(guarded):
    address, _, token = guarded
    async with connected(address, token) as fleet:
        with pytest.raises(MCPError, match="longer than 100,000 bytes"):
            await fleet.retrieve("x" * 100_000)


def sent_slowly(address, *parts):
    """What a server answers to who sends these and then waits: all of it, until it hangs up."""
    parts_of_address = urlsplit(address)
    with closing(socket.create_connection((parts_of_address.hostname, parts_of_address.port), 20)) as connection:
        for part in parts:
            connection.sendall(part)
        said = b""
        while block := connection.recv(65_536):
            said += block
        return said


def test_who_does_not_send_what_he_has_begun_is_hung_up_on(guarded):
    address, _, token = guarded
    head = f"POST /hooks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{'Content-Length: 9'}\r\n"
    late = sent_slowly(address, head.encode(), f"Authorization: Bearer {token}\r\n\r\n".encode(), b"{")
    assert late.startswith(b"HTTP/1.1 408")
    assert b"the body did not arrive within 0.5 seconds" in late
    assert sent_slowly(address) == sent_slowly(address, head.encode()) == b""
    # The rest of a request that was answered is not waited for either.
    unfinished = sent_slowly(address, head.encode(), b"\r\n{")
    assert unfinished.startswith(b"HTTP/1.1 401")


# How much


async def test_who_asks_too_much_waits_and_nobody_else_does(guarded):
    address, data, token = guarded
    eager, heavy = await issued(data, "eager"), await issued(data, "heavy")

    with closing(http.client.HTTPConnection(urlsplit(address).netloc)) as connection:
        code = 404
        while code == 404:
            connection.request("GET", "/nothing", headers=bearing(eager))
            answer = connection.getresponse()
            code, said = answer.status, answer.read()
        assert (code, int(answer.headers["Retry-After"]) >= 1) == (429, True)
        assert b"more than one caller may send in a minute" in said
    for _ in range(25):
        asked(address, token=heavy, body=json.dumps({"hook": "stop", "x": "x" * 95_000}))
    assert (status(address, token=heavy), status(address, token=token)) == (429, 200)


# Listening


def refused(data, *options):
    """The one line with which a server does not start."""
    line = [*COMMAND, "serve", "--transport", "http", "--port", "0", "--data", str(data), *options]
    ended = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1), ended.stderr
    return ended.stderr


def test_beyond_loopback_nobody_is_served_without_a_token(tmp_path):
    everywhere = ("--host", "0.0.0.0")
    assert "fleetlore token create --agent NAME" in refused(tmp_path, *everywhere)
    with http_server(tmp_path, *everywhere, "--auth", "required") as (told, _):
        address = told.replace("0.0.0.0", "127.0.0.1")
        assert status(address) == 401
        token = anyio.run(issued, tmp_path, "alice")
        assert status(address, token=token) == 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that it signed itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fleetlore")])
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), utc_now() - DAY, utc_now() + DAY
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    files = {
        "cert.pem": made.public_bytes(pem),
        "key.pem": key.private_bytes(pem, plain, serialization.NoEncryption()),
        "locked.pem": key.private_bytes(pem, plain, serialization.BestAvailableEncryption(b"secret")),
    }
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return folder


def test_with_a_certificate_the_server_speaks_https_alone(certificate, tmp_path):
    options = ("--tls-cert", certificate / "cert.pem", "--tls-key", certificate / "key.pem")
    with http_server(tmp_path, *map(str, options)) as (address, _):
        assert address.startswith("https://")
        trusting = ssl.create_default_context(cafile=certificate / "cert.pem")
        assert httpx2.get(f"{address}/healthz", verify=trusting).json()["status"] == "ok"
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"{address.replace('https', 'http')}/healthz")


async def test_a_certificate_or_key_that_cannot_be_used_is_told_before_anything_listens(certificate, tmp_path):
    async def told(cert, *key):
        options = ("--tls-cert", certificate / cert, *(("--tls-key", certificate / key[0]) if key else ()))
        with pytest.raises(Refusal) as refusal:
            await run("serve", "--transport", "http", "--data", tmp_path / "data", *options)
        return str(refusal.value)

    assert "a certificate and its key go together" in await told("cert.pem")
    assert "passphrase" in await told("cert.pem", "locked.pem")
    assert "cannot be used together" in await told("key.pem", "cert.pem")
    assert "No such file" in await told("cert.pem", "none.pem")
    assert not (tmp_path / "data").exists()


def test_no_token_and_nothing_of_it_is_ever_in_the_log(tmp_path):
    token = anyio.run(issued, tmp_path, "alice")
    secret = token[-43:]
    with http_server(tmp_path) as (address, process):
        status(address, token=token)
        status(address, token=token[:-1] + "!")
        status(address, f"/{token}?token={token}", Authorization=f"Basic {token}")
        status(address, token=token, Host=token)
        process.terminate()
        log = process.stderr.read().decode()
    assert secret[:20] not in log
    assert "turned away 127.0.0.1 at '/hooks': malformed" in log
