"""Connecting assistants from the command line: what is written where, and how it goes again."""

import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from desk import Desk
from fleetlore.server.clients.dialects import DIALECTS, SCOPES
from fleetlore.server.clients.machine import Machine
from fleetlore.server.clients.wording import RULES

URL = "https://memory.example.com/mcp"
TEAM = ("--url", URL, "--token-env", "TEAM_TOKEN")
SECRET = "s3cr3t-of-the-team"
BOTH = [(client, scope) for client, dialect in DIALECTS.items() for scope in SCOPES if scope in dialect.files]


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path, TEAM_TOKEN=SECRET)


def entry(desk, client, scope="user"):
    text = desk.settings(client, scope).read_text("utf-8")
    read = tomllib.loads if DIALECTS[client].format == "toml" else json.loads
    return read(text)[DIALECTS[client].servers]["fleetlore"]


@pytest.mark.parametrize(("client", "scope"), BOTH)
def test_installing_and_uninstalling_leaves_nothing_behind(desk, client, scope):
    before = desk.files()
    desk.install(client, "--scope", scope)
    assert set(desk.files()) > set(before)
    desk.uninstall(client, "--scope", scope)
    assert desk.files() == before


@pytest.mark.parametrize(("client", "scope"), BOTH)
def test_the_entry_starts_this_fleetlore(desk, client, scope):
    told = desk.install(client, "--scope", scope, "--data", desk.home / "memory", "--agent", "Ana B")
    written = entry(desk, client, scope)
    command = written.pop("command")
    assert written.pop("type", "stdio") == "stdio"
    assert written == {"args": ["serve", "--data", str(desk.home / "memory"), "--agent", "Ana-B"]}
    assert Path(command).is_absolute()
    assert Path(command).name == "fleetlore"
    assert ("folder of this machine" in told) == ("path of this machine" in told) == (scope == "project")


def test_what_the_environment_says_goes_into_your_files_and_not_into_the_projects(tmp_path):
    desk = Desk(tmp_path, FLEETLORE_DATA="/memory", FLEETLORE_AGENT="ana")
    for scope, words in {"user": ["--data", "/memory", "--agent", "ana"], "project": []}.items():
        desk.install("cursor", "--scope", scope)
        assert entry(desk, "cursor", scope)["args"] == ["serve", *words]
    desk.install("claude-code", "--url", URL)
    assert "--data" not in (desk.home / ".claude" / "skills" / "fleetlore" / "hooks" / "hooks.json").read_text()


@pytest.mark.parametrize("client", ["claude-code", "codex", "zed"])
def test_a_folder_of_any_name_is_written_as_it_is(desk, client):
    data = desk.home / 'größe 記憶\u3000 it\'s "$HOME" \\ {x} #'
    desk.install(client, "--data", data)
    assert entry(desk, client)["args"] == ["serve", "--data", str(data)]
    if client == "claude-code":
        text = (desk.home / ".claude" / "skills" / "fleetlore" / "hooks" / "hooks.json").read_text("utf-8")
        command = json.loads(text)["hooks"]["Stop"][0]["hooks"][0]["command"]
        assert shlex.split(command)[1:] == ["hook", "stop", "--data", str(data)]
    desk.forget()
    desk.uninstall(client)
    assert "fleetlore" not in desk.settings(client).read_text("utf-8")


def test_what_is_written_runs(desk):
    desk.install("claude-code")
    written = entry(desk, "claude-code")
    shown = subprocess.run([written["command"], *written["args"], "--help"], capture_output=True, text=True, check=True)
    assert "--transport" in shown.stdout


def test_a_project_file_has_the_bare_name_where_that_works(desk):
    program = desk.programs / "fleetlore"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert "this machine" not in desk.install("cursor", "--scope", "project")
    assert entry(desk, "cursor", "project") == {"command": "fleetlore", "args": ["serve"]}
    assert "this machine" in desk.install("cursor", "--scope", "project", "--data", desk.home)


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ("claude-code", {"type": "http", "url": URL, "headers": {"Authorization": "Bearer ${TEAM_TOKEN}"}}),
        ("cursor", {"url": URL, "headers": {"Authorization": "Bearer ${env:TEAM_TOKEN}"}}),
        ("vscode", {"type": "http", "url": URL, "headers": {"Authorization": "Bearer ${input:fleetlore-token}"}}),
        ("codex", {"url": URL, "bearer_token_env_var": "TEAM_TOKEN"}),
        ("gemini-cli", {"httpUrl": URL, "headers": {"Authorization": "Bearer ${TEAM_TOKEN}"}}),
        ("windsurf", {"serverUrl": URL, "headers": {"Authorization": "Bearer ${env:TEAM_TOKEN}"}}),
    ],
)
def test_a_team_server_is_written_in_each_dialect_and_its_token_never(desk, client, expected):
    told = (
        desk.install(client, *TEAM, "--dry-run") + desk.install(client, *TEAM) + desk.install(client, *TEAM, "--json")
    )
    assert entry(desk, client) == expected
    assert SECRET not in told
    assert [path for path in desk.home.rglob("*") if path.is_file() and SECRET in path.read_text("utf-8")] == []
    desk.uninstall(client)
    assert not desk.settings(client).exists()


@pytest.mark.parametrize(("client", "expected"), [("zed", {"url": URL}), ("jetbrains", {"url": URL})])
def test_a_team_server_without_a_token(desk, client, expected):
    desk.install(client, "--url", URL)
    assert entry(desk, client) == expected


def test_the_way_to_the_server_can_be_changed_and_changed_back(desk):
    desk.install("vscode")
    first = desk.files()
    desk.install("vscode", *TEAM)
    assert json.loads(desk.settings("vscode").read_text("utf-8"))["inputs"][0]["password"] is True
    assert desk.files() != first
    desk.install("vscode")
    assert desk.files() == first


def test_without_a_client_those_found_are_listed(desk):
    (desk.home / ".codex").mkdir()
    (desk.programs / "zed").write_text("#!/bin/sh\n")
    (desk.programs / "zed").chmod(0o755)
    told = desk.run("install")
    assert re.findall(r"^(\S+) +found$", told, re.MULTILINE) == ["codex", "zed"]
    assert "fleetlore install codex" in told


def test_clients_that_were_moved_are_followed(tmp_path):
    moved = {"CODEX_HOME": tmp_path / "c", "CLAUDE_CONFIG_DIR": tmp_path / "d", "XDG_CONFIG_HOME": tmp_path / "e"}
    desk = Desk(tmp_path, **{name: str(path) for name, path in moved.items()})
    for client in ("codex", "claude-code", "zed"):
        desk.install(client)
    for name in (
        "c/config.toml",
        "c/AGENTS.md",
        "d/.claude.json",
        "d/CLAUDE.md",
        "d/skills/fleetlore",
        "e/zed/AGENTS.md",
    ):
        assert (tmp_path / name).exists()


def test_a_dry_run_shows_our_change_alone_and_changes_nothing(desk):
    for client, text in {
        "cursor": '{"key": "sk-other", "mcpServers": {}}',
        "zed": '{\n  "a": {\n    "b": "sk-other"\n  }\n}',
    }.items():
        desk.settings(client).parent.mkdir(parents=True)
        desk.settings(client).write_text(text)
        before = desk.files()
        told = desk.install(client, "--dry-run")
        assert '"args": ["serve"]' in told
        assert "sk-other" not in told
        assert desk.files() == before
        assert not (desk.home / ".local").exists()
    desk.install("cursor")
    before = desk.files()
    told = json.loads(desk.uninstall("cursor", "--dry-run", "--json"))
    assert [(file["act"], "fleetlore" in file["diff"]) for file in told["files"]] == [("changed", True)]
    assert "sk-other" not in told["files"][0]["diff"]
    assert desk.files() == before


def test_every_change_of_what_others_wrote_is_backed_up(desk):
    desk.settings("cursor").parent.mkdir()
    desk.settings("cursor").write_text('{"mcpServers": {}}')
    desk.settings("cursor").chmod(0o640)
    [file] = json.loads(desk.install("cursor", "--json"))["files"]
    assert Path(file["backup"]).read_text() == '{"mcpServers": {}}'
    assert Path(file["backup"]).stat().st_mode & 0o777 == 0o600
    assert desk.settings("cursor").stat().st_mode & 0o777 == 0o640


def test_links_stay_and_what_they_lead_to_changes(desk):
    kept = desk.home / "dotfiles"
    kept.mkdir()
    (kept / "mcp.json").write_text('{"mcpServers": {}}\n')
    desk.settings("cursor").parent.mkdir()
    desk.settings("cursor").symlink_to("../dotfiles/mcp.json")
    (desk.project / "CLAUDE.md").symlink_to("AGENTS.md")
    before = desk.files()
    desk.install("cursor")
    desk.install("claude-code", "--scope", "project")
    assert desk.settings("cursor").is_symlink()
    assert "fleetlore" in (kept / "mcp.json").read_text()
    assert "fleetlore" in (desk.project / "AGENTS.md").read_text()
    desk.uninstall("cursor")
    desk.uninstall("claude-code", "--scope", "project")
    assert desk.files() == before


def test_rules_that_two_clients_read_stay_until_the_last_goes(desk):
    rules = desk.project / "AGENTS.md"
    rules.write_text("# Ours\n")
    for client in ("codex", "zed"):
        desk.install(client, "--scope", "project")
    assert rules.read_text().count(RULES) == 1
    assert "the rules of fleetlore stay for zed" in desk.uninstall("codex", "--scope", "project")
    assert RULES in rules.read_text()
    desk.uninstall("zed", "--scope", "project")
    assert rules.read_text() == "# Ours\n"


def test_what_somebody_writes_between_two_uninstallations_stays(desk):
    rules = desk.project / "AGENTS.md"
    rules.write_text("# Ours\n")
    for client in ("codex", "zed"):
        desk.install(client, "--scope", "project")
    rules.write_text(rules.read_text().replace("# Ours", "# Ours, and more"))
    for client in ("codex", "zed"):
        desk.uninstall(client, "--scope", "project")
    assert rules.read_text() == "# Ours, and more\n"


def test_rules_go_where_the_client_reads_them(desk):
    (desk.project / ".rules").write_text("# Ours\n")
    (desk.home / ".codex").mkdir()
    (desk.home / ".codex" / "AGENTS.override.md").write_text("# Mine\n")
    desk.install("zed", "--scope", "project")
    desk.install("codex")
    assert RULES in (desk.project / ".rules").read_text()
    assert RULES in (desk.home / ".codex" / "AGENTS.override.md").read_text()
    desk.install("cursor", "--scope", "project", "--no-rules")
    assert not (desk.project / ".cursor" / "rules").exists()
    desk.install("cursor", "--scope", "project")
    rules = (desk.project / ".cursor" / "rules" / "fleetlore.mdc").read_text()
    assert rules.startswith("---\n")
    assert "\nalwaysApply: true\n---\n\n" + RULES in rules


def test_the_rules_are_short_and_say_what_the_server_says():
    assert len(RULES) < 1_200
    for word in ("retrieve_knowledge", "submit_feedback", "receipt", "not orders", "secrets", "prune"):
        assert word in RULES


def test_claude_code_gets_a_plugin_with_hooks(desk):
    folder = desk.home / ".claude" / "skills"
    (folder / "other").mkdir(parents=True)
    desk.install("claude-code", *TEAM)
    hooks = json.loads((folder / "fleetlore" / "hooks" / "hooks.json").read_text())["hooks"]
    commands = {
        event: [(group.get("matcher"), shlex.split(hook["command"])[1:], hook["timeout"]) for hook in group["hooks"]]
        for event, [group] in hooks.items()
    }
    reach = ["--url", URL, "--token-env", "TEAM_TOKEN"]
    assert commands == {
        "SessionStart": [(None, ["hook", "session-start", *reach], 10)],
        "PostToolUse": [("Bash", ["hook", "tool-use", *reach], 5)],
        "PostToolUseFailure": [("Bash", ["hook", "tool-use", *reach], 5)],
        "Stop": [(None, ["hook", "stop", *reach], 10)],
    }
    assert json.loads((folder / "fleetlore" / ".claude-plugin" / "plugin.json").read_text())["name"] == "fleetlore"
    desk.forget()
    desk.uninstall("claude-code")
    assert [path.name for path in folder.iterdir()] == ["other"]
    desk.install("claude-code", "--no-hooks")
    assert [path.name for path in folder.iterdir()] == ["other"]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_every_place_is_in_the_home_or_the_project(tmp_path, platform):
    machine = Machine(home=tmp_path / "home", environ={}, platform=platform, project=tmp_path / "project")
    for dialect in DIALECTS.values():
        for scope, pattern in dialect.files.items():
            assert machine.place(pattern).is_relative_to(tmp_path / ("home" if scope == "user" else "project"))
