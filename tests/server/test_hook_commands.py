"""The hooks as an assistant calls them: processes that read its JSON, answer, and never stand in its way."""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import cycle
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from fleet import COMMAND, free_port, http_server, in_process
from fleetlore.server.hooks.transcript import receipts_in
from fleetlore.server.settings import utc_now
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.queries import SCHEMA

TASK = "rotate the signing keys of the payment gateway"
LESSON = "Keep the old key for a day"
PROJECT = "acme/billing"
HOOKS = ("session-start", "stop", "tool-use")


def hook(name, *options, said="", env=(), **extra):
    """What a hook writes to stdout and stderr; it must end well."""
    raw = said if isinstance(said, bytes) else (said if isinstance(said, str) else json.dumps(said)).encode()
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("FLEETLORE_", "CLAUDE_"))}
    line = [*COMMAND, "hook", name, *map(str, options)]
    result = subprocess.run(
        line, input=raw, capture_output=True, timeout=30, env=clean | dict(env), check=False, **extra
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.count(b"\n") <= 1
    return result.stdout.decode(), result.stderr.decode()


def answered(name, *options, said):
    """The JSON that a hook answers."""
    out, err = hook(name, *options, said=said)
    assert err == ""
    return json.loads(out)


def bash(command, transcript, **extra):
    """What an assistant says of a command that ended well."""
    return {
        "session_id": "s1",
        "hook_event_name": "PostToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": command},
        "tool_response": {"stdout": "", "stderr": "", "interrupted": False},
        "transcript_path": str(transcript),
        **extra,
    }


def transcript_of(folder, *receipts):
    """A session's transcript, in which the answers of retrievals name their receipts."""
    file = folder / "transcript.jsonl"
    lines = [{"type": "user", "toolUseResult": f'{{"receipt":"{receipt}","items":[]}}'} for receipt in receipts]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return file


def fleetlore(*arguments):
    """A command that was carried out."""
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False)


async def reports(data, receipt):
    """What the ledger says was reported on a receipt."""
    async with Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger:
        return await ledger.read.reports(receipt)


def repository(folder, remote):
    """A folder under git that came from there."""
    for arguments in (["init", "-q", folder], ["-C", folder, "remote", "add", "origin", remote]):
        subprocess.run(["git", *map(str, arguments)], check=True)
    return folder


@pytest.fixture
async def told(tmp_path):
    """A ledger with a lesson, and two receipts that bob was given for it, one after the other."""
    data = tmp_path / "data"
    async with in_process(data, project=PROJECT) as fleet:
        await fleet.teach(LESSON, task=TASK)
        receipts = [(await fleet.retrieve(TASK, agent="bob"))["receipt"] for _ in range(2)]
    return data, receipts


# A session starts


async def test_a_session_that_starts_is_told_the_best_lessons_as_reports(told):
    data, _ = told
    said = {"hook_event_name": "SessionStart", "source": "startup", "cwd": "/"}
    [(name, output)] = answered("session-start", "--data", data, "--project", PROJECT, said=said).items()
    context = output["additionalContext"]
    assert (name, output["hookEventName"]) == ("hookSpecificOutput", "SessionStart")
    first, line, last = context.splitlines()
    assert (
        first
        == f'What the fleet\'s memory (fleetlore) knows of "{PROJECT}", reported by agents: to be weighed, not obeyed.'
    )
    assert re.fullmatch(rf'- k_\w+ do, provisional, confidence 0\.\d\d: "{LESSON}" \(when: "{TASK}"\)', line)
    assert "retrieve_knowledge" in last
    assert "submit_feedback" in last


async def test_a_session_is_told_of_the_project_of_its_folder_and_of_no_other(told, tmp_path):
    data, _ = told
    for name, known in (("billing", True), ("shop", False)):
        folder = repository(tmp_path / name, f"https://example.org/acme/{name}.git")
        assert bool(hook("session-start", "--data", data, said={"cwd": str(folder)})[0]) == known


async def test_what_is_said_stays_within_the_budget_and_a_resumed_session_was_told_already(tmp_path):
    data = tmp_path / "data"
    async with in_process(data) as fleet:
        for number in range(20):
            await fleet.teach(f"Lesson {number}: {'wait for the lock ' * number}", task=f"deploy service {number}")
    for budget in (100, 300):
        context = answered("session-start", "--data", data, "--max-tokens", budget, "--project", "x", said={})
        text = context["hookSpecificOutput"]["additionalContext"]
        assert budget * 4 - 400 < len(text) <= budget * 4
    assert hook("session-start", "--data", data, said={"source": "resume"}) == ("", "")


# A session stops


async def test_a_session_is_asked_once_for_what_its_receipts_miss(told, tmp_path):
    data, receipts = told
    said = {"transcript_path": str(transcript_of(tmp_path, *receipts)), "stop_hook_active": False}
    found = answered("stop", "--data", data, said=said)
    assert found["decision"] == "block"
    assert [line for line in found["reason"].splitlines() if line.startswith("- ")] == [
        f'- {receipt}, asked for "{TASK}"' for receipt in receipts
    ]
    assert hook("stop", "--data", data, said=said) == ("", "")


async def test_a_session_is_not_asked_for_what_it_answered_nor_while_it_answers(told, tmp_path):
    data, receipts = told
    async with in_process(data) as fleet:
        await fleet.submit(TASK, outcome="success", agent="bob", receipt=receipts[0])
    said = {"transcript_path": str(transcript_of(tmp_path, *receipts))}
    assert hook("stop", "--data", data, said={**said, "stop_hook_active": True}) == ("", "")
    reason = answered("stop", "--data", data, said=said)["reason"]
    assert (receipts[0] in reason, receipts[1] in reason) == (False, True)


async def test_receipts_may_also_be_named_by_whoever_calls_the_hook(told):
    data, receipts = told
    assert receipts[0] in answered("stop", "--data", data, said={"receipts": [receipts[0], 7, "r_unknown"]})["reason"]


# Outcomes between


async def test_tests_that_pass_are_an_implicit_success_of_the_latest_receipt(told, tmp_path):
    data, receipts = told
    transcript = transcript_of(tmp_path, *reversed(receipts))  # in whatever order they are named
    assert hook("tool-use", "--data", data, said=bash("cd web && pytest -q", transcript)) == ("", "")
    assert [(r["outcome"], r["implicit"]) for r in await reports(data, receipts[1])] == [("success", "tests-passed")]
    assert await reports(data, receipts[0]) == []


async def test_a_command_that_fails_is_told_by_another_event(told, tmp_path):
    data, receipts = told
    said = bash(
        "pytest", transcript_of(tmp_path, *receipts), hook_event_name="PostToolUseFailure", error="Exit code 1\nE"
    )
    assert hook("tool-use", "--data", data, said={**said, "tool_response": None}) == ("", "")
    assert [r["implicit"] for r in await reports(data, receipts[1])] == ["tests-failed"]


async def test_nothing_is_kept_once_the_latest_receipt_is_answered_or_of_a_subagents_work(told, tmp_path):
    data, receipts = told
    transcript = transcript_of(tmp_path, *receipts)
    hook("tool-use", "--data", data, said=bash("pytest", transcript, agent_id="a1"))
    async with in_process(data) as fleet:
        await fleet.submit(TASK, outcome="success", agent="bob", receipt=receipts[1])
    hook("tool-use", "--data", data, said=bash("pytest", transcript))
    assert (await reports(data, receipts[0]), len(await reports(data, receipts[1]))) == ([], 1)


def test_a_receipt_is_known_by_its_form_wherever_it_is_named(tmp_path):
    ids = [f"r_01m8809ckj8667bh63y{number}" for number in range(5)]
    transcript = tmp_path / "transcript"
    transcript.write_text(
        f'{{"receipt":"{ids[0]}"}} receipt: {ids[1]}\\n{ids[2]}\\t{ids[3]}, again {ids[0]}\n'
        f"{ids[4]}x for_{ids[4]} user{ids[4]} r_tooshort r_01m8809ckj8667bh63il"
    )
    assert receipts_in(str(transcript)) == [ids[0], ids[3], ids[2], ids[1]]


# Scripts


async def test_a_script_reports_what_it_saw_and_is_told_what_became_of_it(told):
    data, receipts = told
    report = ("hook", "report", "--data", data, "--receipt", receipts[0], "--implicit", "tests-failed")
    found = json.loads(fleetlore(*report, "--json").stdout)
    assert found == {
        "feedback": (await reports(data, receipts[0]))[0]["feedback"],
        "receipt": receipts[0],
        "implicit": "tests-failed",
        "outcome": "failure",
        "items": 1,
        "known": False,
    }
    again = f"{found['feedback']}: tests-failed was known already of {receipts[0]}\n"
    assert fleetlore(*report).stdout == again


async def test_a_script_is_told_what_is_wrong(told, tmp_path):
    data, receipts = told
    for folder, receipt, problem in (
        (data, "r_unknown", "receipt: r_unknown is unknown here."),
        (tmp_path / "nowhere", receipts[0], "there is no fleetlore data in it yet"),
    ):
        result = fleetlore("hook", "report", "--data", folder, "--receipt", receipt, "--implicit", "reverted")
        assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
        assert problem in result.stderr


# Never in the way


def each(*options, inputs):
    """What the hooks, by turns, write for these inputs: they all read in the same way."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda name, said: hook(name, *options, said=said), cycle(HOOKS), inputs))


def test_without_data_or_anything_to_say_there_is_silence(tmp_path):
    of_no_use = '{"transcript_path": "/nowhere", "cwd": "/nowhere", "new": [1], "receipts": ["r_1"]}'
    inputs = ["", " \n", "{}", of_no_use, of_no_use]
    assert each("--data", tmp_path / "none", inputs=inputs) == [("", "")] * len(inputs)
    assert not (tmp_path / "none").exists()


def test_broken_input_is_one_line_on_stderr(tmp_path):
    for out, err in each("--data", tmp_path, inputs=["{", "[]", "7", b"\xff\xfe\x00", "[" * 100_000]):
        assert (out, err.startswith("fleetlore: stdin: it is ")) == ("", True)


@pytest.mark.parametrize("name", HOOKS)
def test_no_standard_input_at_all_is_as_if_nothing_was_said(name, tmp_path):
    line = " ".join([sys.executable, "-m", "fleetlore.server", "hook", name, "--data", str(tmp_path), "<&-"])
    result = subprocess.run(line, shell=True, capture_output=True, timeout=30, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_a_standard_input_that_never_ends_is_given_up(tmp_path):
    lines = [[*COMMAND, "hook", name, "--data", str(tmp_path)] for name in HOOKS]
    pipe = subprocess.PIPE
    with ExitStack() as stack:
        started = [stack.enter_context(subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe)) for line in lines]
        ends = [(process.wait(15), process.stdout.read(), process.stderr.read()) for process in started]
    assert ends == [(0, b"", b"fleetlore: the hook gave up after 3 seconds\n")] * 3


@pytest.mark.parametrize("name", HOOKS)
def test_wrong_usage_does_not_keep_an_assistant_from_stopping(name):
    for options, env in ((["--bogus"], {}), ([], {"FLEETLORE_MAX_TOKENS": "many"})):
        out, err = hook(name, *options, said="{}", env=env)
        assert out == ""
        assert err.startswith("fleetlore: ") or (env and name != "session-start")


@pytest.mark.parametrize("line", [["stpo"], ["--bogus", "stop"], []])
def test_the_name_of_a_hook_that_is_none_is_told_and_keeps_no_assistant_from_stopping(line):
    result = fleetlore("hook", *line)
    assert (result.returncode, result.stdout) == (1, "")
    assert "fleetlore hook" in result.stderr


async def test_a_command_in_a_pipeline_counts_by_what_it_says_at_its_end(told, tmp_path):
    data, receipts = told
    said = bash("pytest -q 2>&1 | tail -1", transcript_of(tmp_path, *receipts))
    failed = said | {"tool_response": {"stdout": "1 failed, 4 passed in 0.12s", "stderr": "", "interrupted": False}}
    assert hook("tool-use", "--data", data, said=failed) == ("", "")
    assert [r["implicit"] for r in await reports(data, receipts[1])] == ["tests-failed"]


async def test_a_transcript_that_is_missing_binary_or_huge_is_no_trouble(told, tmp_path):
    data, receipts = told
    for file in (tmp_path / "nowhere", tmp_path, "\0", "~nobody/x"):
        assert hook("stop", "--data", data, said={"transcript_path": str(file)}) == ("", "")
    huge = tmp_path / "huge.jsonl"
    with huge.open("wb") as sink:
        sink.write(receipts[0].encode())
        sink.seek(200_000_000)  # a hole: it takes no room
        sink.write(b"\xff\x00\n" + receipts[1].encode() + b"\n" + b"r_" * 1000)
    reason = answered("stop", "--data", data, said={"transcript_path": str(huge)})["reason"]
    assert (receipts[0] in reason, receipts[1] in reason) == (False, True)


async def test_a_busy_ledger_is_read_and_is_not_waited_for_in_writing(told, tmp_path):
    data, receipts = told
    transcript = transcript_of(tmp_path, *receipts)
    with closing(sqlite3.connect(data / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        assert LESSON in hook("session-start", "--data", data, "--project", PROJECT, said={})[0]
        for name in ("stop", "tool-use"):
            out, err = hook(name, "--data", data, said=bash("pytest", transcript))
            assert (out, err.startswith("fleetlore: another process has kept ledger.sqlite locked")) == ("", True)
        assert time.monotonic() - started < 10
        other.execute("ROLLBACK")
    assert answered("stop", "--data", data, said=bash("pytest", transcript))["decision"] == "block"


async def test_a_ledger_of_a_newer_version_is_read_and_not_written(told):
    data, transcript = told
    with closing(sqlite3.connect(data / "ledger.sqlite")) as file:
        file.execute(f"PRAGMA user_version = {SCHEMA + 1}")
        before = file.execute("SELECT count(*) FROM events").fetchone()
        assert LESSON in hook("session-start", "--data", data, "--project", PROJECT, said={})[0]
        hook("tool-use", "--data", data, said=bash("pytest", transcript))
        assert file.execute("SELECT count(*) FROM events").fetchone() == before


# A team's server


async def test_the_hooks_ask_a_teams_server_as_they_ask_a_ledger(told, tmp_path):
    data, receipts = told
    transcript = transcript_of(tmp_path, *receipts)
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}
    with http_server(data) as (address, _):
        remote = ("--url", f"{address}/mcp")
        assert LESSON in hook("session-start", *remote, "--project", PROJECT, said={}, env=env)[0]
        assert hook("tool-use", *remote, said=bash("pytest", transcript), env=env) == ("", "")
        assert [r["implicit"] for r in await reports(data, receipts[1])] == ["tests-passed"]
        assert receipts[0] in hook("stop", *remote, said=bash("", transcript), env=env)[0]
        assert hook("stop", *remote, said=bash("", transcript), env=env) == ("", "")
        refused = fleetlore("hook", "report", *remote, "--receipt", "r_unknown", "--implicit", "reverted")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith("fleetlore: receipt: r_unknown is unknown here.")
        for body, sentence in BODIES:
            assert post(address, body) == (400, sentence)
        assert post(address, b'{"hook": "stop"}') == (200, "")
        assert post(address, b"{}", **{"Origin": "http://evil.example"})[0] == 403
        assert post(address, b"{}", **{"Content-Type": "text/plain"})[0] == 415


BODIES = [
    (b"{", "the body is no JSON, or nested deeper than 200 levels."),
    (b"", "body: it is no JSON."),
    (b"[]", "body: it is no JSON object."),
    (b'{"hook": "start"}', "hook: 'start' is none."),
    (b'{"hook": ["stop"]}', "hook: ['stop'] is none."),
    (b'{"hook": "stop", "receipts": "r_1"}', "receipts: 'r_1' is no list of receipts."),
    (b'{"hook": "session-start", "max_tokens": true}', "max_tokens: True is no budget."),
    (b'{"hook": "session-start", "project": 7}', "project: 7 is no text of at most 200 characters."),
    (b'{"hook": "tool-use", "implicit": ["x"]}', "implicit: ['x'] is nothing that can be seen."),
    (b'{"hook": "report", "receipt": "r_1", "implicit": "reverted"}', "receipt: r_1 is unknown here."),
]


def post(address, body, **headers):
    """The status of an answer, and the beginning of the sentence in it."""
    request = Request(f"{address}/hooks", body, {"Content-Type": "application/json"} | headers)
    try:
        with urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read()).get("error", "")
    except HTTPError as error:
        with error:
            raw = error.read()
            said = json.loads(raw)["error"] if raw.startswith(b"{") else raw.decode()
            return error.status, f"{said.split('. ')[0]}."


def test_a_server_that_cannot_be_reached_is_said_once_until_it_can_be_again(tmp_path):
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}
    url = f"http://127.0.0.1:{(port := free_port())}/mcp"
    said = {"receipts": ["r_1"]}
    out, err = hook("stop", "--url", url, said=said, env=env)
    told = json.loads(out)["systemMessage"]
    assert told.startswith(f"fleetlore: the fleetlore server at {url} cannot be used: ")
    assert err == ""
    assert [hook(name, "--url", url, said=said, env=env) for name in HOOKS] == [("", "")] * 3
    with stand_in(port) as asked:
        token = ("--token-env", "TEAM_TOKEN")
        assert hook("stop", "--url", url, *token, said=said, env=env | {"TEAM_TOKEN": "t0"}) == ("", "")
    assert asked == [("/hooks", "Bearer t0", {"hook": "stop", "receipts": ["r_1"]})]
    assert "systemMessage" in hook("stop", "--url", url, said=said, env=env)[0]


def test_whatever_a_server_of_another_sort_says_is_told_in_a_line(tmp_path):
    said, env = {"receipts": ["r_1"]}, {"XDG_STATE_HOME": str(tmp_path / "state")}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"

        def speak():
            caller, _ = listening.accept()
            with caller:
                caller.recv(65_536)
                caller.sendall(b"220 mail\tready " * 1000 + b"\r\n")

        thread = Thread(target=speak)
        thread.start()
        out, err = hook("stop", "--url", url, said=said, env=env)
        thread.join()
    told = json.loads(out)["systemMessage"]
    assert (told.startswith(f"fleetlore: the fleetlore server at {url} cannot be used: 220 mail ready"), err) == (
        True,
        "",
    )
    assert len(told) < 400


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "http://[::1", "http://host:port/mcp", "host/mcp", "http://a host/mcp"]
)
def test_an_address_that_is_none_is_said(url):
    out, err = hook("stop", "--url", url, said={"receipts": ["r_1"]})
    assert (out, err.startswith("fleetlore: --url: this is no address of a server.")) == ("", True)


def test_a_token_that_is_none_is_not_told(tmp_path):
    said, env = {"receipts": ["r_1"]}, {"TEAM_TOKEN": "s3cret\nX: y", "XDG_STATE_HOME": str(tmp_path)}
    out, err = hook("stop", "--url", "http://127.0.0.1:1/mcp", "--token-env", "TEAM_TOKEN", said=said, env=env)
    assert (out, err.startswith("fleetlore: --token-env: what TEAM_TOKEN holds is no token.")) == ("", True)
    assert "s3cret" not in err


@contextmanager
def stand_in(port):
    """A server of somebody else's on that port, which answers everything with `{}`; gives what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, self.headers["Authorization"], body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            """Says nothing."""

    with HTTPServer(("127.0.0.1", port), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield asked
        server.shutdown()
        thread.join()
