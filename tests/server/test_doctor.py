"""`fleetlore doctor`: what is well, what is not, and what to do about it."""

import json
import shutil
import socketserver
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from click.testing import CliRunner

from fleet import free_port, http_server, in_process
from fleetlore.server.cli import commands
from fleetlore.server.doctor.reachable import answers
from fleetlore.storage.ledger import LEDGER_FILE

TASK = "rotate the signing keys of the payment gateway"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home folder in which no assistant lives, and a project that none works in."""
    folder = tmp_path / "home"
    (folder / "project").mkdir(parents=True)
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", str(folder / "bin"))
    monkeypatch.chdir(folder / "project")
    return folder


async def findings(*arguments, code=0):
    """What the doctor finds, by subject."""
    line = ["doctor", "--json", *map(str, arguments)]
    result = await anyio.to_thread.run_sync(CliRunner().invoke, commands, line)
    assert result.exit_code == code, result.output
    return {finding["subject"]: finding for finding in json.loads(result.stdout)}


@pytest.fixture
async def data(tmp_path):
    """A store with one lesson, one receipt and its answer."""
    folder = tmp_path / "data"
    async with in_process(folder) as fleet:
        await fleet.teach("Keep the old key for a day", task=TASK)
        receipt = (await fleet.retrieve(TASK, agent="bob"))["receipt"]
        await fleet.submit(TASK, outcome="success", agent="bob", receipt=receipt)
    return folder


async def test_a_healthy_store_has_nothing_that_does_not_work(data):
    found = await findings("--data", data)
    assert [finding for finding in found.values() if finding["state"] == "failure"] == []
    well = {subject: finding["seen"] for subject, finding in found.items() if finding["state"] == "ok"}
    assert well["receipts"] == "1 of 1 answered (100%)"
    assert well["general space"] == "1 item, and searching finds all"
    assert well["embedder"] == "wordllama-256"
    assert well["stdio server"].startswith("answers with 3 tools")
    assert str(data) in well["permissions"]


async def test_every_finding_that_is_not_well_has_a_remedy(tmp_path):
    found = await findings("--data", tmp_path / "none")
    assert found["data directory"]["remedy"] == "Starting a server makes it: fleetlore serve"
    assert all(finding["remedy"] for finding in found.values() if finding["state"] != "ok")


async def test_people_are_told_line_by_line(data):
    result = await anyio.to_thread.run_sync(CliRunner().invoke, commands, ["doctor", "--data", str(data)])
    assert "ok  receipts: 1 of 1 answered (100%)\n" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("all is well")


async def test_a_damaged_ledger_is_a_failure(data):
    (data / LEDGER_FILE).write_bytes(b"no database at all" * 100)
    for companion in data.glob(f"{LEDGER_FILE}-*"):
        companion.unlink()
    found = await findings("--data", data, code=1)
    assert (found["ledger"]["state"], "not a database" in found["ledger"]["seen"]) == ("failure", True)


async def test_spaces_that_cannot_be_opened_are_made_anew_by_a_rebuild(data):
    shutil.rmtree(data / "spaces")
    (data / "spaces").write_text("a file where a folder belongs")
    found = await findings("--data", data, code=1)
    assert found["knowledge spaces"]["state"] == "failure"
    assert found["knowledge spaces"]["remedy"] == "Make them anew from the ledger: fleetlore rebuild"


async def test_items_that_searching_cannot_find_are_counted(data):
    shutil.rmtree(data / "spaces")
    assert (await findings("--data", data))["general space"]["seen"] == "searching misses 1 of 1 item"


async def test_a_clock_behind_the_ledger_is_noticed(tmp_path):
    async with in_process(tmp_path, clock=lambda: datetime.now(UTC) + timedelta(hours=3)) as fleet:
        await fleet.teach("Keep the old key for a day", task=TASK)
    found = await findings("--data", tmp_path, code=1)
    assert found["clock"]["seen"].startswith("the newest entry of the ledger is 2:59")


async def test_an_unanswered_fleet_is_told_how_to_get_answers(tmp_path):
    async with in_process(tmp_path) as fleet:
        for _ in range(10):
            await fleet.retrieve(TASK)
    found = (await findings("--data", tmp_path))["receipts"]
    assert (found["state"], found["seen"].split(":")[0]) == ("warning", "0 of 10 answered (0%)")
    assert "fleetlore install claude-code" in found["remedy"]


async def test_a_server_at_an_address_is_looked_at(data):
    with http_server(data) as (address, _):
        found = await findings("--data", data, "--url", f"{address}/mcp")
    assert found["HTTP server"]["seen"] == f"{address}/healthz answers: ok"


async def test_a_server_that_does_not_answer_is_a_failure(data):
    found = await findings("--data", data, "--url", f"http://127.0.0.1:{free_port()}/mcp", code=1)
    assert found["HTTP server"]["state"] == "failure"
    assert "fleetlore serve --transport http" in found["HTTP server"]["remedy"]


@contextmanager
def answering(said):
    """The address of something that answers whoever asks with these bytes, and nothing else."""

    class Foreign(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(4096)
            self.request.sendall(said)

    with socketserver.TCPServer(("127.0.0.1", 0), Foreign) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/mcp"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nDate: never\r\nContent-Length: 2\r\n\r\n{}",
        b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"degraded": [1]}',
    ],
)
def test_what_answers_otherwise_than_we_do_is_a_failure(said):
    with answering(said) as address:
        [found] = answers(address, asked_for=True)
    assert (found.state, found.seen.startswith(f"nothing healthy answers at {address} (")) == ("failure", True)


def test_the_clock_of_a_server_is_compared_also_where_it_names_no_zone():
    said = b"HTTP/1.1 200 OK\r\nDate: Wed, 25 Nov 1998 01:00:00 -0000\r\nContent-Length: 2\r\n\r\n{}"
    with answering(said) as address:
        assert [finding.subject for finding in answers(address, asked_for=True)] == ["HTTP server", "clock"]


@pytest.mark.parametrize(
    "address",
    ["nowhere", "file:///etc/hostname", "http://127.0.0.1:port/", "http://[::1", "http://a b/", "http://a\nb/"],
)
def test_what_is_no_address_is_a_failure_on_one_line(address):
    [found] = answers(address, asked_for=True)
    assert (found.state, found.seen.splitlines()) == ("failure", [found.seen])


async def test_a_folder_that_others_can_read_is_noticed_and_new_ones_are_private(data):
    assert data.stat().st_mode & 0o077 == 0
    data.chmod(0o755)
    found = (await findings("--data", data))["permissions"]
    assert (found["state"], found["remedy"]) == ("warning", f"Run: chmod -R go= '{data}'")


async def test_no_assistant_that_knows_fleetlore_is_a_warning(data, home):
    (home / ".cursor").mkdir()
    found = (await findings("--data", data))["assistants"]
    assert (found["state"], found["remedy"]) == ("warning", "Connect one: fleetlore install cursor")


async def test_each_assistant_is_looked_at_through_its_own_file(data, home):
    program = home / "bin" / "fleetlore"
    program.parent.mkdir()
    program.touch(mode=0o755)
    (home / ".cursor").mkdir()
    settings = home / ".cursor" / "mcp.json"
    settings.write_text(f'{{"mcpServers": {{"fleetlore": {{"command": "{program}", "args": ["serve"]}}}}}}')
    (home / ".gemini").mkdir()
    (home / ".gemini" / "settings.json").write_text('{"mcpServers": {"fleetlore": {"command": "/none", "args": []}}}')
    (home / ".codex").mkdir()
    address = f"http://127.0.0.1:{free_port()}/mcp"
    entry = f'[mcp_servers.fleetlore]\nurl = "{address}"\nbearer_token_env_var = "NO_SUCH_TOKEN"\n'
    (home / ".codex" / "config.toml").write_text(entry)
    windsurf = home / ".codeium" / "windsurf"
    windsurf.mkdir(parents=True)
    header = '{"Authorization": "Bearer ${env:NOR_THIS_TOKEN}"}'
    reached = f'{{"serverUrl": "{address}", "headers": {header}}}'
    (windsurf / "mcp_config.json").write_text(f'{{"mcpServers": {{"fleetlore": {reached}}}}}')
    (home / ".junie" / "mcp").mkdir(parents=True)
    (home / ".junie" / "mcp" / "mcp.json").write_text("{")
    found = await findings("--data", data, code=1)
    assert found["Cursor"]["seen"] == f"{settings} starts {program}"
    assert found["Gemini CLI"]["remedy"] == "Run: fleetlore install gemini-cli --force"
    assert found["Codex"]["remedy"] == "Set NO_SUCH_TOKEN"
    assert found["Windsurf"]["remedy"] == "Set NOR_THIS_TOKEN"
    assert found["JetBrains (Junie)"]["state"] == "failure"
