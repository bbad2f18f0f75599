"""`fleetlore token`, as an operator uses it."""

import json
import re
import sqlite3

import pytest
from command import finished, run, told

from fleetlore.server.identity import identify, person
from fleetlore.storage.errors import Refusal
from fleetlore.storage.ledger import LEDGER_FILE

TOKEN = re.compile(r"flt_[0-9a-z]{20}_[A-Za-z0-9_-]{43}\n")


async def test_a_token_alone_goes_to_stdout_once_and_only_its_hash_is_kept(tmp_path):
    made = await finished("token", "create", "--agent", "alice", "--data", tmp_path)
    assert TOKEN.fullmatch(made.stdout)
    assert "alice may read, write until" in made.stderr
    secret = made.stdout.strip()[25:]
    assert secret not in made.stderr
    assert not [file for file in tmp_path.iterdir() if file.is_file() and secret.encode() in file.read_bytes()]
    listed = await run("token", "list", "--data", tmp_path)
    assert re.fullmatch(r"t_[0-9a-z]{20}  valid    alice  read,write  ends \S+ \S+\n", listed)


async def test_machines_are_told_the_same(tmp_path):
    line = ("token", "create", "--agent", "bob", "--scope", "admin, prune", "--expires", "never", "--data", tmp_path)
    made = await told(*line)
    assert (made["agent"], made["scopes"], made["expires_at"], made["state"]) == (
        "bob",
        ["admin", "prune"],
        None,
        "valid",
    )
    [listed] = json.loads(await run("token", "list", "--data", tmp_path, "--json"))
    assert listed == {name: value for name, value in made.items() if name != "token"} | {"seen_at": None}


async def test_a_token_is_rotated_at_once_or_with_grace_and_revoked_by_id_by_itself_or_by_agent(tmp_path):
    def line(*words):
        return ("token", *words, "--data", tmp_path)

    first = (await finished(*line("create", "--agent", "alice", "--scope", "read"))).stdout
    second = (await finished(*line("rotate", first.strip()))).stdout
    third = (await finished(*line("rotate", f"t_{second[4:24]}", "--grace", "1h"))).stdout
    assert len({first, second, third}) == 3
    states = [(one["state"], one["scopes"]) for one in json.loads(await run(*line("list", "--json")))]
    assert states == [("expired", ["read"]), ("valid", ["read"]), ("valid", ["read"])]
    assert (await told(*line("revoke", third.strip())))["revoked"] == [f"t_{third[4:24]}"]
    assert (await told(*line("revoke", third.strip())))["revoked"] == []
    assert (await told(*line("revoke", "--agent", "alice")))["revoked"] == [f"t_{second[4:24]}"]
    for words, sentence in (
        (("revoke", "--agent", "alice"), "'alice' has no token that counts"),
        (("rotate", third.strip()), "was revoked. Make a new one: fleetlore token create --agent alice"),
        (("revoke", "t_00000000000000000000"), "t_00000000000000000000 is no token's id here"),
        (("revoke",), "what to end is not clear"),
    ):
        with pytest.raises(Refusal, match=re.escape(sentence)) as refused:
            await run(*line(*words))
        assert third.strip()[25:] not in str(refused.value)


async def test_a_name_that_looks_like_another_agents_is_refused(tmp_path):
    def line(name, *words):
        return ("token", "create", "--agent", name, "--data", tmp_path, *words)

    await run(*line("alice"))
    for name in ("Alice", "a1ice", "al-ice"):
        with pytest.raises(Refusal, match=f"{name} looks like alice, whom the fleet knows"):
            await run(*line(name))
    with pytest.raises(Refusal, match=r"is no name of 1 to 64 letters .* and looks like alice"):
        await run(*line("аlice"))  # a Cyrillic letter
    for name in ("", "a b", "-", "x" * 65, "alice\n"):
        with pytest.raises(Refusal, match="is no name of 1 to 64 letters"):
            await run(*line(name))
    await run(*line("alice"))
    await run(*line("Alice", "--allow-lookalike"))


@pytest.mark.parametrize("name", ["fleetlore", "Fleetlore"])
async def test_nobody_has_the_name_of_the_memory_itself(tmp_path, monkeypatch, name):
    sentence = f"agent: {name} is the name in which the memory acts by itself. Choose another name."
    for line in (
        ("token", "create", "--agent", name, "--allow-lookalike"),
        ("add", "Oil the lock", "--agent", name),
        ("serve", "--agent", name),
    ):
        with pytest.raises(Refusal, match=f"^{sentence}$"):
            await run(*line, "--data", tmp_path)
    with pytest.raises(Refusal, match=f"^{sentence}$"):
        identify(settled="", argument=name, client="")
    with pytest.raises(Refusal, match="fleet-lore looks like fleetlore"):
        await run("token", "create", "--agent", "fleet-lore", "--data", tmp_path)
    monkeypatch.setenv("LOGNAME", name)
    assert person() == f"{name}@local"


async def test_what_is_no_scope_or_time_is_wrong_usage(tmp_path):
    for words in (("--scope", "read,all"), ("--scope", ""), ("--expires", "90"), ("--expires", "999999d")):
        await finished("token", "create", "--agent", "alice", "--data", tmp_path, *words, code=2)
    assert not (tmp_path / LEDGER_FILE).exists()


async def test_what_is_no_host_or_origin_to_allow_is_wrong_usage(tmp_path):
    for words in (
        ("--allow-host", "https://memory.example.com"),
        ("--allow-host", "*"),
        ("--allow-origin", "app.example.com"),
        ("--allow-origin", "https://app.example.com/page"),
        ("--allow-origin", "null"),
    ):
        await finished("serve", "--transport", "http", "--data", tmp_path / "data", *words, code=2)


async def test_who_made_and_ended_a_token_is_in_the_ledger(tmp_path):
    made = await told("token", "create", "--agent", "alice", "--data", tmp_path)
    await run("token", "revoke", made["id"], "--data", tmp_path)
    with sqlite3.connect(tmp_path / LEDGER_FILE) as ledger:
        events = ledger.execute(
            "SELECT kind, subject, json_extract(body, '$.holder') FROM events ORDER BY id"
        ).fetchall()
    ledger.close()
    assert events == [("token created", made["id"], "alice"), ("token revoked", made["id"], None)]
