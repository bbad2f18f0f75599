"""Connecting assistants where something is in the way: broken files, edits by hand, what a client cannot do."""

import re
from pathlib import Path

import pytest

from desk import Desk
from fleetlore.server.clients import files
from fleetlore.storage.errors import FileRefused, Refusal

URL = "https://memory.example.com/mcp"
TEAM = ("--url", URL, "--token-env", "TEAM_TOKEN")


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path, TEAM_TOKEN="s3cr3t")


@pytest.mark.parametrize(
    ("client", "words", "argument"),
    [
        ("claude-desktop", ("--url", URL), "--url"),
        ("zed", TEAM, "--token-env"),
        ("jetbrains", TEAM, "--token-env"),
        ("cursor", ("--url", URL, "--token-env", "sk-live-1234"), "--token-env"),
        ("cursor", ("--url", URL, "--token-env", "ghp_1234abcd"), "--token-env"),
        ("cursor", ("--url", "https://ana:sk-live-1234@example.com/mcp"), "--url"),
        ("cursor", ("--url", "https://example.com/mcp?key=sk-live-1234"), "--url"),
        ("cursor", ("--url", "memory.example.com"), "--url"),
        ("cursor", ("--url", "https://[memory/mcp"), "--url"),
        ("cursor", ("--url", "https://memory.example.com:99999/mcp"), "--url"),
        ("cursor", ("--url", "https://memory.example.com/m cp"), "--url"),
        ("windsurf", ("--scope", "project"), "--scope"),
        ("claude-desktop", ("--scope", "project"), "--scope"),
        ("cursor", ("--agent", "!!!"), "agent"),
        ("cursor", ("--data", "a\nb"), "--data"),
        ("cursor", ("--data", "a\udcff"), "--data"),
    ],
)
def test_what_a_client_cannot_do_is_refused_with_what_to_do(desk, client, words, argument):
    before = desk.files()
    with pytest.raises(Refusal) as refused:
        desk.install(client, *words)
    assert refused.value.argument == argument
    assert "1234" not in str(refused.value)
    assert desk.files() == before


@pytest.mark.parametrize(
    "words",
    [
        ("install", "emacs"),
        ("install", "cursor", "--token-env", "TEAM_TOKEN"),
        ("install", "cursor", "--url", URL, "--data", "x"),
        ("install", "cursor", "--url", URL, "--agent", "x"),
        ("install", "cursor", "--scope", "world"),
        ("uninstall",),
    ],
)
def test_wrong_usage(desk, words):
    desk.run(*words, code=2)


@pytest.mark.parametrize("remembered", [True, False], ids=["with the journal", "without it"])
@pytest.mark.parametrize(
    ("client", "edit"),
    [
        ("cursor", ('["serve"]', '["serve"], "disabled": true')),
        ("cursor", ('["serve"]', '["serve", "--port", "1"]')),
        ("codex", ('["serve"]', '["serve"]\nenabled = false')),
        ("codex", ('["serve"]', '["serve"]\n[mcp_servers.fleetlore.env]\nA = "b"')),
    ],
)
def test_an_entry_edited_by_hand_is_left_alone(desk, client, edit, remembered):
    desk.install(client)
    path = desk.settings(client)
    path.write_text(path.read_text().replace(*edit))
    edited = path.read_text()
    if not remembered:
        desk.forget()
    for act, word in ((desk.install, "replaces"), (desk.uninstall, "removes")):
        assert f"edited by hand, or not from fleetlore, so left alone; --force {word} it" in act(client)
        assert path.read_text() == edited
    desk.install(client, "--force")
    assert path.read_text() != edited
    path.write_text(edited)
    desk.uninstall(client, "--force")
    assert "fleetlore" not in path.read_text()


def test_a_server_of_another_kind_under_our_name_is_left_alone(desk):
    desk.settings("cursor").parent.mkdir()
    desk.settings("cursor").write_text('{"mcpServers": {"fleetlore": {"command": "docker", "args": ["run"]}}}')
    before = desk.settings("cursor").read_bytes()
    assert "left alone" in desk.install("cursor")
    assert "left alone" in desk.uninstall("cursor")
    assert desk.settings("cursor").read_bytes() == before


def test_rules_edited_by_hand_are_left_alone(desk):
    desk.install("codex")
    rules = desk.home / ".codex" / "AGENTS.md"
    rules.write_text(rules.read_text().replace("Leave `prune` to people.", "Prune at will."))
    assert "the rules of fleetlore: edited by hand" in desk.uninstall("codex")
    assert "Prune at will." in rules.read_text()


BROKEN = {
    "an array": (b"[]", "line 1: the whole file is no object"),
    "servers that are an array": (b'{\n"mcpServers": []}', 'line 2: "mcpServers" is no object'),
    "servers that are null": (b'{"mcpServers": null}', '"mcpServers" is no object'),
    "servers twice": (b'{"mcpServers": {},\n"mcpServers": {}}', 'line 2: "mcpServers" is there twice'),
    "ours twice": (b'{"mcpServers": {"fleetlore": {}, "fleetlore": {}}}', '"fleetlore" is there twice'),
    "half a file": (b'{"mcpServers": {', "the JSON ends too early"),
    "a missing comma": (b'{\r"a": 1\r"b": 2}', "line 3: a comma or } is missing"),
    "single quotes": (b"{'a': 1}", "that JSON does not have there"),
    "a bare word": (b'{"a": yes}', "yes is no JSON value"),
    "more after the end": (b"{}\n{}", "line 2: there is something after the end"),
    "very deep": (b'{"a":' + b"[" * 5000, "nested too deeply"),
    "an unclosed comment": (b"{} /* ", "that JSON does not have there"),
    "UTF-16": ("{}".encode("utf-16"), "this is not UTF-8 text"),
    "a NUL": (b'{"a": \x00}', "that JSON does not have there"),
}


@pytest.mark.parametrize(("content", "problem"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_named_with_its_line_and_left_as_it_is(desk, content, problem):
    path = desk.settings("cursor")
    path.parent.mkdir()
    path.write_bytes(content)
    for act in (desk.install, desk.uninstall):
        with pytest.raises(FileRefused) as refused:
            act("cursor")
        assert problem in str(refused.value)
        assert str(refused.value).startswith(str(path))
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a = \n", "line 1: this is no TOML: invalid value"),
        ("mcp_servers = 1\n", "mcp_servers is no table"),
        ("[[mcp_servers]]\n", "mcp_servers is no table"),
        ('mcp_servers = {x = {command = "y"}}\n', "written in a way that a table cannot be added to"),
    ],
)
def test_a_broken_toml_file_too(desk, content, problem):
    path = desk.settings("codex")
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(FileRefused, match=re.escape(problem)):
        desk.install("codex")
    assert path.read_text() == content
    assert not (desk.home / ".codex" / "AGENTS.md").exists()


def test_damaged_markers_stop_everything_before_anything_is_written(desk):
    rules = desk.home / ".codex" / "AGENTS.md"
    rules.parent.mkdir()
    rules.write_text("# Mine\n<!-- fleetlore:rules begin -->\n")
    with pytest.raises(FileRefused, match=r"line 2: .* has no end marker"):
        desk.install("codex")
    assert not desk.settings("codex").exists()


def _read_only(path):
    path.write_text("{}")
    path.chmod(0o444)


def _read_only_folder(path):
    path.parent.chmod(0o555)


def _link_to_itself(path):
    path.symlink_to(path.name)


def _file_for_a_folder(path):
    path.parent.rmdir()
    path.parent.write_text("")


@pytest.mark.parametrize(
    ("arrange", "problem"),
    [
        (_read_only, "the file is read-only"),
        (_read_only_folder, "the folder is read-only"),
        (Path.mkdir, "this is not a file"),
        (_link_to_itself, "symbolic links"),
        (_file_for_a_folder, "not a (folder|directory)"),
    ],
    ids=["read-only file", "read-only folder", "folder for a file", "link to itself", "file for a folder"],
)
def test_a_file_that_cannot_be_changed_is_refused_before_anything_is_written(desk, arrange, problem):
    path = desk.settings("cursor")
    path.parent.mkdir()
    arrange(path)
    before = {each for each in desk.home.rglob("*") if ".local" not in each.parts}
    with pytest.raises(FileRefused, match=problem):
        desk.install("cursor")
    assert {each for each in desk.home.rglob("*") if ".local" not in each.parts} == before


def test_a_file_that_changes_under_our_hands_is_not_overwritten(tmp_path):
    path = tmp_path / "mcp.json"
    path.write_bytes(b"theirs")
    with pytest.raises(FileRefused, match="changed it just now"):
        files.write(path, b"ours", b"read before")
    with pytest.raises(FileRefused, match="changed it just now"):
        files.remove(path, b"read before")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("mcp.json", b"theirs")]


def test_a_damaged_journal_is_named(desk):
    desk.install("cursor")
    journal = desk.home / ".local" / "state" / "fleetlore" / "clients" / "journal.json"
    journal.write_text("{")
    with pytest.raises(FileRefused, match=r"journal\.json: it is damaged, .* Move it away"):
        desk.uninstall("cursor")
    journal.unlink()
    desk.uninstall("cursor")
    assert "fleetlore" not in desk.settings("cursor").read_text()
