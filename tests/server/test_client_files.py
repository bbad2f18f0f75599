"""Files of clients stay as they are: installing adds what is ours, uninstalling gives back every byte."""

import json
import re
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk import Desk
from fleetlore.server.clients.dialects import DIALECTS
from fleetlore.server.clients.json_edit import put_member, take_member
from fleetlore.server.clients.jsonc import parse

OTHER = '{"command": "npx", "args": ["-y", "other"], "env": {"KEY": "sk-other"}}'

# Files of servers as people have them; SERVERS stands for the name that the client gives its servers.
JSON_FILES = {
    "an object": "{}",
    "an object and a line": "{}\n",
    "no servers yet": '{\n  "theme": "dark"\n}\n',
    "no servers yet, on one line": '{"theme": "dark"}',
    "no servers yet, on one line with blanks": '{ "theme": "dark" }\n',
    "servers, none yet": '{\n  "SERVERS": {}\n}\n',
    "servers, none yet, all on one line": '{"SERVERS":{}}',
    "servers, none yet, with a blank": '{"SERVERS": { }}',
    "servers, none yet, with a comment": '{\n  "SERVERS": {\n    // none yet\n  }\n}\n',
    "inputs, none yet": '{\n  "inputs": [],\n  "SERVERS": {}\n}\n',
    "inputs of others": '{\n  "inputs": [\n    {"id": "x", "type": "promptString"}\n  ],\n  "SERVERS": {}\n}\n',
    "another server": '{\n  "SERVERS": {\n    "other": OTHER\n  }\n}\n',
    "another server on one line": '{"SERVERS": {"other": OTHER}}',
    "another server on one line, with blanks": '{ "SERVERS": { "other": OTHER } }\n',
    "no final newline": '{\n  "SERVERS": {\n    "other": OTHER\n  }\n}',
    "several final newlines": '{\n  "SERVERS": {\n    "other": OTHER\n  }\n}\n\n\n',
    "tabs": '{\n\t"SERVERS": {\n\t\t"other": OTHER\n\t}\n}\n',
    "four spaces": '{\n    "SERVERS": {\n        "other": OTHER\n    }\n}\n',
    "no indentation": '{\n"SERVERS": {\n"other": OTHER\n}\n}\n',
    "trailing commas": '{\n  "SERVERS": {\n    "other": OTHER,\n  },\n}\n',
    "a comment on the line of the brace": '{ // mine\n  "SERVERS": { // all of them\n    "other": OTHER\n  }\n}\n',
    "comments everywhere": '// top\n{\n  /* a */ "SERVERS" /* b */ : /* c */ {\n    // d\n    "other": OTHER // e\n    '
    "// f\n  } // g\n} // h\n// end",
    "a comment over lines after the brace": '{ /* a\n  b */ "SERVERS": { /* c\n d */ "other": OTHER } }\n',
    "two comments around the first name": '{/* a */"SERVERS"/* b */\n: {/* c */"other"/* d */\n: OTHER}}\n',
    "braces and comments inside strings": '{\n  "a": "} // {\\" /*",\n  "SERVERS": {\n    "other": OTHER\n  }\n}\n',
    "Windows line endings": '{\r\n  "SERVERS": {\r\n    "other": OTHER\r\n  }\r\n}\r\n',
    "old Mac line endings": '{\r  "SERVERS": {\r    "other": OTHER\r  }\r}\r',
    "mixed line endings": '{\r\n  "SERVERS": {\n    "other": OTHER\r  }\r\n}\n',
    "a carriage return before a blank line": '{\r\r\n  "SERVERS": {\r\r\n    "other": OTHER\r\n  }\r\n}',
    "a byte order mark": '\ufeff{\n  "SERVERS": {\n    "other": OTHER\n  }\n}\n',
    "a byte order mark and Windows line endings": '\ufeff{\r\n  "SERVERS": {\r\n    "other": OTHER\r\n  }\r\n}\r\n',
    "servers last": '{\n  "a": [1, 2,\n    3],\n  "SERVERS": {\n    "other": OTHER\n  }\n}\n',
    "the brace on a line of its own": '{\n  "SERVERS":\n  {\n    "other": OTHER\n  }\n}\n',
    "the first member beside the brace": '{ "SERVERS": { "other": OTHER,\n    "more": OTHER\n  }\n}\n',
    "a comma first style": '{\n  "SERVERS": {\n    "other": OTHER\n  , "more": OTHER\n  }\n}\n',
    "the same name twice elsewhere": '{\n  "a": 1,\n  "a": 2,\n  "SERVERS": {\n    "other": OTHER\n  }\n}\n',
    "a name like ours": '{\n  "SERVERS": {\n    "fleetlore-2": OTHER\n  },\n  "fleetlore": {}\n}\n',
    "letters of the world": '{\n  "SERVERS": {\n    "größe-記憶-🧠": OTHER\n  }\n}\n',
}
# What cannot be told from the file alone: whether something empty was there before.
ONLY_WITH_JOURNAL = {
    "nothing": "",
    "a newline": "\n",
    "a byte order mark only": "\ufeff",
    "a comment only": "// to do",
    "an object over two lines": "{\n}\n",
    "an object of blanks": "{ }",
    "servers over two lines, none yet": '{\n  "SERVERS": {\n  }\n}\n',
}
TOML_FILES = {
    "nothing": "",
    "a newline": "\n",
    "a setting": 'model = "x"\n',
    "no final newline": 'model = "x"',
    "several final newlines": 'model = "x"\n\n\n',
    "another server": '[mcp_servers.other]\ncommand = "npx" # why\nargs = [\n  "-y",\n]\n',
    "another server with a table of its own": '[mcp_servers.other]\nurl = "npx"\n[mcp_servers.other.x]\nA = "b"\n',
    "an empty table of servers": "[mcp_servers]\n",
    "a dotted server": 'mcp_servers.other.command = "npx"\n',
    "Windows line endings": '[mcp_servers.other]\r\ncommand = "npx"\r\n',
    "mixed line endings": '# a\r\n[mcp_servers.other]\ncommand = "npx"\r\n',
    "a byte order mark": '\ufeffmodel = "x"\n',
    "a byte order mark only": "\ufeff",
    "a string that looks like our table": 'a = """\n[mcp_servers.fleetlore]\ncommand = 1\n"""\n',
    "a comment that looks like our table": "# [mcp_servers.fleetlore]\n",
    "projects": '[projects."/a.b/c"]\ntrust_level = "trusted"\n\n[[x]]\n[[x]]\n',
    "letters of the world": '"größe" = "記憶 🧠"\n',
}
RULES_FILES = {
    "rules": "# Ours\n\n- be kind\n",
    "no final newline": "# Ours",
    "Windows line endings": "# Ours\r\n\r\n- be kind\r\n",
    "a byte order mark": "\ufeff# Ours\n",
    "lessons of fleetlore": "# Ours\n\n<!-- fleetlore:lessons begin -->\n- x\n<!-- fleetlore:lessons end -->\n",
    "many final newlines": "# Ours\n\n\n\n",
    "a mention of a marker": "the line `<!-- fleetlore:rules begin -->` is a marker\n",
}
ALONE = ("--no-rules",)
TEAM = ("--url", "https://memory.example.com/mcp", "--token-env", "TEAM_TOKEN", *ALONE)
CASES = {
    **{
        f"cursor, {name}": ("cursor", DIALECTS["cursor"].files["user"], text, ALONE, name not in ONLY_WITH_JOURNAL)
        for name, text in (JSON_FILES | ONLY_WITH_JOURNAL).items()
    },
    **{
        f"zed, {name}": ("zed", DIALECTS["zed"].files["user"], text, ALONE, True)
        for name, text in JSON_FILES.items()
        if "comment" in name
    },
    **{
        f"vscode with a token, {name}": ("vscode", DIALECTS["vscode"].files["user"], text, TEAM, True)
        for name, text in JSON_FILES.items()
        if name != "servers, none yet, with a blank"
    },
    **{f"codex, {name}": ("codex", "{codex}/config.toml", text, ALONE, True) for name, text in TOML_FILES.items()},
    **{f"rules, {name}": ("codex", "{codex}/AGENTS.md", text, (), True) for name, text in RULES_FILES.items()},
}


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path, TEAM_TOKEN="s3cr3t")


def file_of(desk, case):
    client, pattern, text, _words, _alone = case
    path = desk.machine().place(pattern)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = text.replace("SERVERS", DIALECTS[client].servers).replace("OTHER", OTHER)
    path.write_bytes(text.encode())
    return path


def plain(text):
    """JSON without comments and trailing commas, made in another way than ours."""
    tokens = re.findall(r'"(?:\\.|[^"\\])*"|//[^\r\n]*|/\*[\s\S]*?\*/|[^"/]+|/', text.removeprefix("\ufeff"))
    kept = [token for token in tokens if not token.startswith(("//", "/*"))]
    joined = re.sub(r",(\s*)(?=[}\]])", r"\1", "".join(kept))
    return json.loads(joined) if joined.strip() else {}


def read(path, client):
    text = path.read_bytes().decode()
    return tomllib.loads(text.removeprefix("\ufeff")) if DIALECTS[client].format == "toml" else plain(text)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("remembered", [True, False], ids=["with the journal", "without it"])
def test_uninstalling_gives_back_every_byte(desk, case, remembered):
    client, _pattern, _text, words, alone = case
    path = file_of(desk, case)
    before = path.read_bytes()
    desk.install(client, *words)
    installed = path.read_bytes()
    assert installed != before
    assert "unchanged" in desk.install(client, *words)
    assert path.read_bytes() == installed
    if not remembered:
        desk.forget()
    desk.uninstall(client)
    if remembered or alone:
        assert path.read_bytes() == before
    else:
        assert read(path, client) in ({}, plain(before.decode()))


@pytest.mark.parametrize("case", [case for case in CASES.values() if "AGENTS" not in case[1]], ids=str)
def test_only_our_entry_is_added(desk, case):
    client, _pattern, _text, words, _alone = case
    path = file_of(desk, case)
    servers = DIALECTS[client].servers
    before = read(path, client)
    desk.install(client, *words)
    after = read(path, client)
    entry = after[servers].pop("fleetlore")
    if words == ALONE:
        assert entry["args"] == ["serve"]
    else:
        assert entry["headers"] == {"Authorization": "Bearer ${input:fleetlore-token}"}
        assert after["inputs"].pop(0)["id"] == "fleetlore-token"
        assert after.pop("inputs") == before.pop("inputs", [])
    assert after == {**before, servers: before.get(servers, {})}


@pytest.mark.parametrize("case", [case for name, case in CASES.items() if "another server" in name], ids=str)
def test_what_others_do_meanwhile_stays(desk, case):
    client, _pattern, _text, words, _alone = case
    path = file_of(desk, case)
    before = path.read_bytes()
    desk.install(client, *words)
    path.write_bytes(path.read_bytes().replace(b"npx", b"bunx") + b"\n")
    desk.uninstall(client)
    assert path.read_bytes() == before.replace(b"npx", b"bunx") + b"\n"


# The machine may be busy with other things.
PATIENT = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

blanks = st.lists(st.sampled_from([" ", "\t", "\n", "\r\n", "\r", "/* c */", "// c\n", "// c\r\n"]), max_size=3).map(
    "".join
)
scalars = st.sampled_from(["1", "-2.5e3", "true", "null", '"a"', '"}{//"', '"\\"/*"'])


def _object(members, comma):
    body = ",".join(f'{lead}"{name}"{a}:{b}{value}{end}' for lead, name, a, b, value, end in members)
    return "{" + body + ("," if members and comma else "") + "}"


values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(
            _object,
            st.lists(
                st.tuples(blanks, st.sampled_from("abc"), blanks, blanks, inner, blanks),
                max_size=3,
                unique_by=lambda m: m[1],
            ),
            st.booleans(),
        ),
        st.lists(inner, max_size=3).map(lambda each: f"[{','.join(each)}]"),
    ),
    max_leaves=8,
)


@PATIENT
@given(
    blanks, values.filter(lambda text: text.startswith("{")), blanks, st.sampled_from([("s", "n"), ("a", "n"), ("n",)])
)
def test_a_member_comes_and_goes_without_a_trace(lead, text, end, keys):
    text = lead + text + end
    root = parse(text, None)
    if len(keys) > 1 and not isinstance(root.value.get(keys[0], {}), dict):
        return
    put = put_member(text, keys, {"command": "x", "args": ["y"]}, None)
    assert put_member(put, keys, {"command": "x", "args": ["y"]}, None) == put
    back = take_member(put, keys, None)
    found = parse(put, None).value
    for key in keys:
        found = found[key]
    assert found == {"command": "x", "args": ["y"]}
    empty = re.compile(r"\{[ \t\r\n]*\}")  # whether something empty was there cannot be told
    if empty.search(text) is None:
        assert back == text
    else:
        assert {**parse(back, None).value, keys[0]: 0} == {**root.value, keys[0]: 0}
