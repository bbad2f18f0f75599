"""fleetlore as clients and operators meet it: real processes, every transport and era, start, identity and end."""

import getpass
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
from contextlib import asynccontextmanager
from datetime import datetime
from urllib.request import urlopen

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from forking import WHOLE
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from mcp_types import Implementation

from fleet import COMMAND, Fleet, http_server, in_process, over_stdio
from fleetlore.server.identity import folded
from fleetlore.server.status import VERSION
from fleetlore.storage.ledger import LEDGER_FILE

CLIENT = Implementation(name="Claude Code", version="1.0.0")
AT_THIS_DESK = f"Claude-Code@{folded(getpass.getuser())}"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("FLEETLORE_")}
ERAS = {"legacy": "2025-11-25", "auto": "2026-07-28", "2026-07-28": "2026-07-28"}
COMBINATIONS = [(transport, mode) for transport in ("stdio", "http", "sse") for mode in ERAS]
STOP_SECONDS = 2


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    """One HTTP server for all tests that do not change how it runs: its address and its data directory."""
    data = tmp_path_factory.mktemp("http")
    with http_server(data) as (address, _):
        yield address, data


@asynccontextmanager
async def connected(transport, mode="auto"):
    async with Client(transport, mode=mode, client_info=CLIENT) as client:
        yield Fleet(client)


def stdio(data, *options, cwd=None, env=None):
    command, *arguments = [*COMMAND, "serve", *(["--data", str(data)] if data else []), *options]
    return stdio_client(StdioServerParameters(command=command, args=arguments, cwd=cwd, env=env))


def fleetlore(*arguments):
    """A command that ends by itself."""
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, env=ENVIRONMENT, check=False
    )


def refused(*arguments):
    """The one line with which a command refuses."""
    ended = fleetlore(*arguments)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1), ended.stderr
    assert ended.stderr.startswith("fleetlore: ")
    return ended.stderr


def health(address):
    with urlopen(f"{address}/healthz", timeout=10) as answer:
        return json.load(answer)


async def prompt(fleet, name, task):
    return (await fleet.client.get_prompt(name, {"task": task})).messages[0].content.text


@pytest.mark.parametrize(("transport", "mode"), COMBINATIONS)
async def test_every_transport_and_era_carries_every_tool_resource_and_prompt(transport, mode, tmp_path, shared_server):
    address, _ = shared_server
    task = f"restart the {transport} {mode} broker"
    insight = f"Flush the {transport} {mode} queue before the restart"
    servers = {
        "stdio": lambda: stdio(tmp_path / "data", cwd=tmp_path, env=WHOLE),
        "http": lambda: f"{address}/mcp",
        "sse": lambda: sse_client(f"{address}/sse"),
    }
    with anyio.fail_after(30):
        async with connected(servers[transport](), mode) as fleet:
            assert fleet.client.protocol_version == ERAS[mode]
            if mode != "2026-07-28":  # whoever names the revision asks for no introduction
                assert (fleet.client.server_info.name, fleet.client.server_info.version) == ("fleetlore", VERSION)
                assert "retrieve_knowledge" in fleet.client.instructions
            tools = (await fleet.client.list_tools()).tools
            assert [tool.name for tool in tools] == ["retrieve_knowledge", "submit_feedback", "prune"]

            item = await it_learns(fleet, task, insight)
            # A stateless endpoint has forgotten the name that came with `initialize`.
            author = "anonymous" if (transport, mode) == ("http", "legacy") else AT_THIS_DESK
            await it_tells(fleet, item, task, insight, author)
            await it_forgets_and_remembers(fleet, item, task)


async def it_learns(fleet, task, insight):
    empty = await fleet.retrieve(task)
    assert (empty["items"], empty["control"]["mode"]) == ([], "explore")
    [learned] = (await fleet.submit(task, outcome="success", insight=insight))["learned"]
    assert (learned["space"], learned["status"], learned["decision"]) == ("general", "provisional", "new")
    found = await fleet.retrieve(task, agent="second")
    assert [(entry["id"], entry["insight"]) for entry in found["items"]] == [(learned["id"], insight)]
    assert insight in await fleet.text("retrieve_knowledge", task=task)
    answer = await fleet.submit(
        task, outcome="success", agent="second", receipt=found["receipt"], helpful=[learned["id"]]
    )
    assert answer["credited"] == [learned["id"]]
    assert "insight" in await fleet.refusal("submit_feedback", task=task, lesson=insight)
    return learned["id"]


async def it_tells(fleet, item, task, insight, author):
    uris = {str(resource.uri) for resource in (await fleet.client.list_resources()).resources}
    assert {"fleetlore://general", "fleetlore://status"} <= uris
    templates = (await fleet.client.list_resource_templates()).resource_templates
    assert {"fleetlore://prompt/{agent}", "fleetlore://item/{id}"} <= {entry.uri_template for entry in templates}

    assert item in [entry["id"] for entry in (await fleet.resource("fleetlore://general"))["items"]]
    whole = await fleet.resource(f"fleetlore://item/{item}")
    assert (whole["insight"], whole["author"], whole["support"]) == (insight, author, 2)
    assert [verdict["agent"] for verdict in whole["verdicts"]] == [author, "second"]
    assert (await fleet.resource("fleetlore://status"))["version"] == VERSION
    owner = f"owner of {task}"
    await fleet.submit(task, outcome="success", insight=f"Mine: {insight}", space="prompt", agent=owner)
    own = await fleet.resource(f"fleetlore://prompt/{owner.replace(' ', '-')}")
    assert [entry["insight"] for entry in own["items"]] == [f"Mine: {insight}"]
    with pytest.raises(MCPError, match="no item"):
        await fleet.client.read_resource("fleetlore://item/k_00000000000000000000")

    prompts = [entry.name for entry in (await fleet.client.list_prompts()).prompts]
    assert prompts == ["start_task", "report_outcome"]
    start = await prompt(fleet, "start_task", task)
    assert task in start
    assert insight in start
    assert re.search("receipt: r_", start)
    assert "submit_feedback" in await prompt(fleet, "report_outcome", task)


async def it_forgets_and_remembers(fleet, item, task):
    shown = await fleet.call("prune", ids=[item], reason="the broker is gone")
    assert (shown["applied"], [entry["id"] for entry in shown["items"]]) == (False, [item])
    assert [entry["id"] for entry in (await fleet.retrieve(task))["items"]] == [item]
    applied = await fleet.call("prune", plan=shown["plan"], apply=True)
    assert (applied["plan"], applied["applied"]) == (shown["plan"], True)
    assert (await fleet.retrieve(task))["items"] == []
    undone = await fleet.call("prune", undo=shown["plan"])
    assert (undone["plan"], undone["applied"]) == (shown["plan"], False)
    assert [entry["id"] for entry in (await fleet.retrieve(task))["items"]] == [item]
    await fleet.call("prune", ids=[item], reason="end of the test", apply=True)


async def test_what_one_process_learns_is_in_the_next_retrieval_of_another_and_outlives_both(tmp_path):
    data, clone, folder = tmp_path / "data", tmp_path / "clone" / "src", tmp_path / "workbench"
    a_clone_of(clone.parent, "git@git.example.com:acme/billing.git")
    clone.mkdir()
    folder.mkdir()
    task = "deploy the billing service"
    with anyio.fail_after(40):
        async with over_stdio(data, cwd=clone) as one, over_stdio(data, mode="legacy", cwd=folder) as other:
            taught = await one.submit(task, outcome="success", insight="Run the migration before the deploy")
            [found] = (await other.retrieve(task))["items"]
            assert (found["id"], found["status"]) == (taught["learned"][0]["id"], "provisional")
            assert found["project"] == "acme/billing"
            answer = await other.submit(task, outcome="success", insight="Tell support first", agent="bob")
            uris = [f"fleetlore://item/{item}" for item in (found["id"], answer["learned"][0]["id"])]
            assert [(await one.resource(uri))["project"] for uri in uris] == ["acme/billing", "workbench"]
            await one.submit(task, outcome="success", insight="Mine alone", space="prompt", agent="bob")
            uris += ["fleetlore://general", "fleetlore://prompt/bob"]
            before = [await one.resource(uri) for uri in uris]
            retrieved = await other.retrieve(task, agent="bob")
            assert len(retrieved["items"]) == 3
        async with over_stdio(data, cwd=folder) as restarted:
            assert [await restarted.resource(uri) for uri in uris] == before
            assert (await restarted.retrieve(task, agent="bob"))["items"] == retrieved["items"]
            await restarted.submit(task, outcome="success", agent="bob", receipt=retrieved["receipt"])


def a_clone_of(folder, remote):
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "remote", "add", "origin", remote], check=True)


# Identity and project


async def test_a_settled_name_and_project_hold_over_stdio_and_the_command_line_wins(tmp_path):
    environment = {"FLEETLORE_DATA": str(tmp_path / "data"), "FLEETLORE_AGENT": "nobody", "FLEETLORE_PROJECT": "a/b"}
    with anyio.fail_after(30):
        async with connected(stdio(None, "--agent", "ana", env=environment)) as fleet:
            item = await fleet.teach("Ask before a force push", agent="ana")
            whole = await fleet.resource(f"fleetlore://item/{item}")
            assert (whole["author"], whole["project"]) == ("ana", "a/b")
            await a_settled_name_holds(fleet, "ana", "ask before a force push")
    assert (tmp_path / "data" / LEDGER_FILE).exists()


async def test_a_settled_name_and_project_hold_over_http(tmp_path):
    with http_server(tmp_path, "--agent", "ana", "--project", "acme/billing") as (address, _), anyio.fail_after(30):
        for transport, mode in ((f"{address}/mcp", "legacy"), (f"{address}/mcp", "auto"), (None, "legacy")):
            async with connected(transport or sse_client(f"{address}/sse"), mode) as fleet:
                task = f"ask over {transport} {mode}"
                answer = await fleet.submit(task, outcome="success", insight=f"Ask first: {task}")
                whole = await fleet.resource(f"fleetlore://item/{answer['learned'][0]['id']}")
                assert (whole["author"], whole["project"]) == ("ana", "acme/billing")
                await a_settled_name_holds(fleet, "ana", task)


async def a_settled_name_holds(fleet, name, task):
    for tool, arguments in (
        ("retrieve_knowledge", {"task": task}),
        ("submit_feedback", {"task": task, "outcome": "success", "insight": "Impersonation works"}),
        ("prune", {}),
    ):
        sentence = await fleet.refusal(tool, agent="eve", **arguments)
        assert name in sentence
        assert "eve" in sentence
    assert "Impersonation" not in json.dumps(await fleet.resource("fleetlore://general"))
    with pytest.raises(MCPError, match=name):
        await fleet.client.read_resource("fleetlore://prompt/eve")


async def test_an_agent_argument_names_the_agent_where_no_name_is_settled(shared_server):
    address, _ = shared_server
    with anyio.fail_after(30):
        async with connected(f"{address}/mcp") as fleet:
            item = await fleet.teach("Sign the image", task="publish the image", agent="code reviewer/2")
            assert (await fleet.resource(f"fleetlore://item/{item}"))["author"] == "code-reviewer-2"


# The end of a server


@asynccontextmanager
async def raw_server(data):
    """A stdio server process that has answered `initialize`, and the stream of its answers."""
    command = [*COMMAND, "serve", "--data", str(data)]
    async with await anyio.open_process(command, stderr=subprocess.DEVNULL, env=ENVIRONMENT) as process:
        answers = BufferedByteReceiveStream(process.stdout)
        client = {"name": "raw", "version": "1"}
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
        await say(process, request(1, "initialize", **hello), {"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert (await hear(answers))["result"]["serverInfo"]["name"] == "fleetlore"
        yield process, answers


def request(number, method, **params):
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


async def say(process, *messages):
    await process.stdin.send("".join(f"{json.dumps(message)}\n" for message in messages).encode())


async def hear(answers):
    message = json.loads(await answers.receive_until(b"\n", 1_000_000))
    assert message["jsonrpc"] == "2.0"
    return message


async def ends(process, how):
    """Ends the process by the end of its input or by a signal; it must comply in time and with success."""
    with anyio.fail_after(STOP_SECONDS):
        if how == "end of input":
            await process.stdin.aclose()
        else:
            process.send_signal(how)
        await process.wait()
    assert process.returncode == 0


@pytest.mark.parametrize("how", ["end of input", signal.SIGTERM])
async def test_stdout_carries_protocol_messages_only_until_the_server_ends(tmp_path, how):
    calls = [
        request(2, "tools/call", name="retrieve_knowledge", arguments={"task": "deploy"}),
        request(3, "tools/call", name="submit_feedback", arguments={"task": "deploy", "insight": "Tag the release"}),
        request(4, "tools/call", name="submit_feedback", arguments={"lesson": "lost"}),
        request(5, "tools/call", name="no_such_tool", arguments={}),
        request(6, "prompts/get", name="no_such_prompt"),
        request(7, "no/such/method"),
    ]
    with anyio.fail_after(30):
        async with raw_server(tmp_path) as (process, answers):
            await process.stdin.send(b"this is not JSON\n")
            await say(process, *calls)
            heard = [await hear(answers) for _ in calls]
            assert {message["id"] for message in heard} == {call["id"] for call in calls}
            await ends(process, how)
            with pytest.raises(anyio.EndOfStream):
                await answers.receive()


@pytest.mark.parametrize("how", ["end of input", signal.SIGTERM, signal.SIGINT])
async def test_a_stdio_server_ends_in_time_though_it_is_still_starting(tmp_path, how):
    with anyio.fail_after(30):
        async with raw_server(tmp_path) as (process, _):
            await ends(process, how)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_http_server_ends_cleanly_with_clients_connected(tmp_path, number):
    with http_server(tmp_path) as (address, process):
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as listening:
            listening.sendall(f"GET /sse HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            assert listening.recv(1024).startswith(b"HTTP/1.1 200")
            process.send_signal(number)
            assert process.wait(10) == 0
        assert "Traceback" not in process.stderr.read().decode()


# What an operator sees


async def test_healthz_and_status_say_what_is_there_and_how_it_is(tmp_path):
    data = tmp_path / "data"
    with http_server(data) as (address, _), anyio.fail_after(30):
        while health(address)["last_consolidation"] is None:  # a new store is consolidated at once
            await anyio.lowlevel.checkpoint()
        async with connected(f"{address}/mcp") as fleet:
            await fleet.teach("Rotate the logs", task="free some disk")
            await fleet.retrieve("free some disk")
            state = health(address)
            assert (await fleet.resource("fleetlore://status"))["items"] == state["items"]
        as_json, as_text = fleetlore("status", "--data", data, "--json"), fleetlore("status", "--data", data)
    assert (state["status"], state["version"], state["degraded"]) == ("ok", VERSION, {})
    assert state["embedder"] == "wordllama-256"
    assert state["items"] == {"general": {"provisional": 1}, "prompt": {}}
    assert datetime.fromisoformat(state["last_consolidation"]).tzinfo is not None

    assert (as_json.returncode, as_json.stderr) == (as_text.returncode, as_text.stderr) == (0, "")
    counts = ("items", "pruned", "agents", "feedback", "receipts", "embedder", "version", "status")
    told = json.loads(as_json.stdout)
    assert {name: told[name] for name in counts} == {name: state[name] for name in counts}
    lines = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in as_text.stdout.splitlines())
    for space in ("general", "prompt"):
        assert lines[f"{space} space"].startswith(f"{sum(state['items'][space].values())} items")
    assert lines["feedback"] == str(state["feedback"])
    assert lines["receipts"].startswith(f"{state['receipts']['given']} given, {state['receipts']['answered']} answered")
    assert (lines["embedder"], lines["health"]) == ("wordllama-256", "ok")
    assert VERSION in lines["versions"]


async def test_a_server_without_its_spaces_says_so_and_refuses_calls(tmp_path):
    (tmp_path / "spaces").write_text("not a folder")
    with http_server(tmp_path) as (address, _), anyio.fail_after(20):
        async with connected(f"{address}/mcp") as fleet:
            assert "Traceback" not in await fleet.refusal("retrieve_knowledge", task="deploy")
        state = health(address)
        assert (state["status"], list(state["degraded"])) == ("degraded", ["spaces"])


async def test_another_embedder_is_refused_until_the_vectors_are_made_anew(tmp_path):
    async with in_process(tmp_path) as fleet:
        item = await fleet.teach("Pin the base image", task="build the image")
    line = refused("serve", "--data", tmp_path, "--embedder", "wordllama-128")
    assert "wordllama-256" in line
    assert "fleetlore rebuild --embedder wordllama-128" in line
    rebuilt = fleetlore("rebuild", "--data", tmp_path, "--embedder", "wordllama-128")
    assert (rebuilt.returncode, rebuilt.stdout) == (0, "rebuilt both spaces from the ledger: 1 items\n")
    assert "wordllama-128" in refused("serve", "--data", tmp_path, "--embedder", "wordllama-256")
    with anyio.fail_after(30):
        async with over_stdio(tmp_path, "--embedder", "wordllama-128") as fleet:
            assert [entry["id"] for entry in (await fleet.retrieve("build the image"))["items"]] == [item]


def test_a_data_directory_that_cannot_be_used_is_refused_in_one_line(tmp_path):
    a_file = tmp_path / "file"
    a_file.write_text("")
    newer = tmp_path / "newer"
    newer.mkdir()
    database = sqlite3.connect(newer / LEDGER_FILE)
    database.execute("PRAGMA user_version = 99")
    database.close()
    for data, transport, reason in (
        (a_file, "stdio", "it is a file, not a folder"),
        (a_file, "http", "it is a file, not a folder"),
        (a_file / "below", "stdio", "Not a directory"),
        ("/proc/fleetlore", "stdio", "/proc/fleetlore"),
        (newer, "http", "newer fleetlore (schema 99"),
    ):
        line = refused("serve", "--transport", transport, "--port", "0", "--data", data)
        assert reason in line
        assert "--data" in line


def test_listening_beyond_loopback_is_refused(tmp_path):
    line = refused("serve", "--transport", "http", "--host", "0.0.0.0", "--data", tmp_path)
    assert "0.0.0.0" in line
    assert "authentication" in line


def test_a_port_in_use_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused("serve", "--transport", "http", "--port", port, "--data", tmp_path)
    assert port in line
    assert "--port" in line


@pytest.mark.parametrize(
    "arguments",
    [["serve", "--bogus"], ["serve", "--port", "99999"], ["serve", "--embedder", "none"], ["nonsense"], []],
    ids=" ".join,
)
def test_wrong_usage_is_told_and_exits_with_2(arguments):
    ended = fleetlore(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Usage: fleetlore" in ended.stderr
