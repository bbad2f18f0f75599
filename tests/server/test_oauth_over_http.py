"""A real server that takes tokens of an identity provider, called by the official client and by hand."""

import json
import subprocess
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import anyio
import httpx2
import pytest
from command import finished, run, told
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client

from fleet import COMMAND, Fleet, free_port, http_server
from fleetlore.server.app import SharedMemory, serve_memory
from fleetlore.server.oauth.settings import OAuth
from fleetlore.server.settings import Settings
from fleetlore.server.transports import http_app
from issuer import AUDIENCE, issuer

METADATA = "https://memory.example.com/.well-known/oauth-protected-resource/mcp"
CHALLENGE = f'Bearer realm="fleetlore", resource_metadata="{METADATA}", scope="read write"'
# A new connection for each request, but not the reading of every certificate there is.
HTTP = httpx2.Client(timeout=30, verify=False, limits=httpx2.Limits(max_keepalive_connections=0))
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture(scope="module")
def provider():
    with issuer() as one:
        yield one


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("oauth") / "data"


@pytest.fixture(scope="module")
def server(provider, data):
    with http_server(data, "--oauth-issuer", provider.url, "--oauth-audience", AUDIENCE) as (url, _):
        yield url


@asynccontextmanager
async def connected(url, token):
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
    ):
        yield Fleet(client)


def asked(url, token=None, path="/mcp", **headers):
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return HTTP.post(f"{url}{path}", json=CALL, headers={"Accept": "application/json, text/event-stream"} | headers)


async def test_the_agent_of_every_call_is_the_one_that_the_token_names(provider, server):
    async with connected(server, provider.token(sub="auth0|5F7c")) as fleet:
        own = {"task": "review", "task_type": "code-review", "space": "prompt", "outcome": "success"}
        await fleet.submit(**own, insight="Read the tests first.")
        assert (await fleet.retrieve("review", task_type="code-review"))["items"]
        sentence = await fleet.refusal("retrieve_knowledge", task="review", agent="ben")
        assert sentence.startswith("agent: the token that came with this is auth0-5f7c.")
    async with connected(server, provider.token(sub="auth0|5f7c")) as another:
        assert (await another.retrieve("review", task_type="code-review")).get("items", []) == []


async def test_a_scope_that_the_token_does_not_have_is_missing_in_every_tool(provider, server):
    async with connected(server, provider.token(scope="read")) as fleet:
        assert (await fleet.retrieve("anything"))["receipt"]
        assert "needs the scope write" in await fleet.refusal("submit_feedback", task="anything", outcome="success")
        assert "needs the scope prune" in await fleet.refusal("prune")


@pytest.mark.parametrize(
    "bad",
    [
        lambda provider: provider.token(aud="https://other.example.com"),
        lambda provider: provider.token(iss="https://other.example.com"),
        lambda provider: provider.token(exp=1_000_000_000),
        lambda provider: provider.token().rpartition(".")[0] + ".",
        lambda _: "a.b.c",
        lambda _: "flt_a.b.c",
        lambda _: "not a token",
    ],
)
def test_a_token_that_does_not_count_is_a_401_that_names_where_to_get_one(provider, server, bad):
    answer = asked(server, bad(provider))
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, f'{CHALLENGE}, error="invalid_token"')


def test_without_a_token_nothing_answers_but_health_and_where_to_get_one(server):
    answer = asked(server)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, CHALLENGE)
    assert HTTP.get(f"{server}/healthz").json() == {"status": "ok"}
    assert {
        path: asked(server, path=path).status_code for path in ("/sse", "/hooks", "/messages/", "/.well-known/")
    } == {
        "/sse": 401,
        "/hooks": 401,
        "/messages/": 401,
        "/.well-known/": 401,
    }


@pytest.mark.parametrize("path", ["", "/mcp"])
def test_clients_are_told_who_issues_tokens_and_by_which_name_the_server_is_called(provider, server, path):
    answer = HTTP.get(f"{server}/.well-known/oauth-protected-resource{path}", headers={"Host": "memory.example.com"})
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "resource": AUDIENCE,
            "authorization_servers": [provider.url],
            "scopes_supported": ["read", "write"],
            "bearer_methods_supported": ["header"],
            "resource_name": "fleetlore",
        },
    )


async def test_a_client_that_knows_only_the_servers_address_finds_where_to_log_in_and_calls(provider, tmp_path):
    port = free_port()
    address = f"http://127.0.0.1:{port}/mcp"
    # With an issuer it may listen beyond this machine: nobody comes in without a token.
    options = ("--oauth-issuer", provider.url, "--oauth-audience", address, "--host", "0.0.0.0", "--port", str(port))
    with http_server(tmp_path, *options) as _:
        login = ClientCredentialsOAuthProvider(address, _Kept(), "builder", "its secret", issuer=provider.url)
        async with (
            httpx2.AsyncClient(auth=login, timeout=30) as http,
            Client(streamable_http_client(address, http_client=http)) as client,
        ):
            sentence = await Fleet(client).refusal("retrieve_knowledge", task="build", agent="ben")
            assert sentence.startswith("agent: the token that came with this is builder's, not ben's")
        assert provider.asked[-1] == "/token client_credentials read write"


class _Kept:
    """Where the official client keeps its token."""

    async def get_tokens(self):
        return None

    async def set_tokens(self, tokens):
        self.tokens = tokens


async def test_tokens_of_both_sorts_work_side_by_side_and_neither_speaks_for_an_agent_of_the_other(
    provider, server, data
):
    made = json.loads((await finished("token", "create", "--agent", "Robot", "--data", data, "--json")).stdout)
    statuses = [
        asked(server, token).status_code for token in (made["token"], provider.token(), provider.token(sub="robot"))
    ]
    assert statuses == [200, 200, 401]


async def test_an_agent_that_was_revoked_is_not_let_in_by_any_way_until_that_is_taken_back(provider, server, data):
    token = provider.token(sub="mallory")
    async with connected(server, token) as fleet:
        await fleet.teach("Delete the keystore first", agent="")
    plan = (await told("revoke", "mallory", "--yes", "--data", data))["plan"]
    answers = [asked(server, token, path=path) for path in ("/mcp", "/sse", "/messages/", "/hooks", "/healthz")]
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert answers[0].json()["error"]["message"].startswith(f"fleetlore: agent: mallory was revoked by {plan}")
    await run("undo", plan, "--data", data)
    assert asked(server, token).status_code == 200


def test_no_token_is_ever_in_the_servers_log(provider, tmp_path):
    with http_server(tmp_path, "--oauth-issuer", provider.url, "--oauth-audience", AUDIENCE) as (url, process):
        tokens = [provider.token(), provider.token(aud="x"), provider.token(headers={"kid": "x"}), "a.b.c-secret"]
        assert [asked(url, token).status_code for token in tokens] == [200, 401, 401, 401]
        process.terminate()
        log = process.stderr.read().decode()
    assert "made for another audience" in log
    parts = {part for token in tokens for part in token.split(".") if len(part) > 3}
    assert [part for part in parts if part in log] == []


async def test_health_names_the_provider_while_it_is_away_and_no_longer_when_it_is_back(tmp_path):
    later = timedelta()
    with issuer() as provider:
        oauth = OAuth(issuer=provider.url, audience=AUDIENCE)
        shared = SharedMemory(Settings(data=tmp_path, oauth=oauth, clock=lambda: datetime.now(UTC) + later))
        async with shared.opened():
            transport = httpx2.ASGITransport(http_app(serve_memory(shared), shared, shared.settings))
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8717") as http:
                http.headers["Authorization"] = f"Bearer {provider.token(exp=9_999_999_999)}"

                async def degraded():
                    await http.get("/healthz")
                    await shared.verifiers()[0].settled()
                    answer = await http.get("/healthz")
                    return answer.status_code, answer.json().get("degraded")

                with anyio.fail_after(30):
                    assert await degraded() == (200, {})
                    provider.goes_down()
                    later = timedelta(minutes=6)
                    status, named = await degraded()
                    assert (status, list(named)) == (200, ["oauth"])
                    assert "The keys that it had are used until" in named["oauth"]
                    later = timedelta(hours=2)
                    assert await degraded() == (503, None)
                    refused = (await http.post("/mcp", json=CALL)).json()["error"]["message"]
                    assert refused.startswith("fleetlore: whether this token counts cannot be told now")
                    del http.headers["Authorization"]
                    assert (await degraded())[1] == {"oauth": "the keys of the identity provider cannot be had"}
                    provider.publish()
                    later = timedelta(hours=3)
                    assert await degraded() == (200, None)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ("--oauth-issuer", "http://login.example.com", "--oauth-audience", AUDIENCE),
            "--oauth-issuer: over plain http",
        ),
        (("--oauth-issuer", "https://login.example.com"), "--oauth-audience: without one"),
        (("--oauth-audience", AUDIENCE), "--oauth-issuer: it is missing"),
        (
            ("--oauth-issuer", "https://login.example.com", "--oauth-audience", "api://x"),
            "--oauth-resource: the audience",
        ),
    ],
)
def test_a_provider_that_cannot_be_safe_ends_the_server_before_it_listens(tmp_path, options, problem):
    command = [*COMMAND, "serve", "--transport", "http", "--data", str(tmp_path), *options]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"fleetlore: {problem}")
    assert len(refused.stderr.splitlines()) == 1
