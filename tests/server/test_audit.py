"""The audit: a chain of events that a stranger can verify, and that shows whatever was done to it."""

import hashlib
import json
import re
import shutil
import sqlite3
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from typing import get_args

import anyio
import pytest
from command import finished, run, told

from fleet import in_process
from fleetlore.kmu.report import Decision
from fleetlore.storage.errors import FileRefused

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "audit.md").read_text("utf-8")
TASK = "rotate the signing keys of the payment gateway"
LESSON = "Keep the old signing key for a day"


async def _lived(folder):
    async with in_process(folder) as fleet:
        item = await fleet.teach(LESSON, task=TASK)
        answer = await fleet.retrieve(TASK, agent="bob")
        await fleet.submit(TASK, outcome="success", agent="bob", receipt=answer["receipt"], helpful=[item])
        await fleet.teach("Never restart the gateway while keys rotate", task=TASK, agent="carol")
    await run("edit", item, "--insight", "Keep the old signing key for two days", "--data", folder)


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A ledger in which something of every sort happened."""
    folder = tmp_path_factory.mktemp("audit") / "data"
    anyio.run(_lived, folder)
    return folder


@pytest.fixture
def data(lived, tmp_path):
    """A copy of it, to be tampered with."""
    return shutil.copytree(lived, tmp_path / "data")


def rows(data, query):
    with closing(sqlite3.connect(data / "ledger.sqlite", isolation_level=None)) as connection:
        return connection.execute(query).fetchall()


def first(data, query):
    """The first column of the first row."""
    return rows(data, query)[0][0]


def tampered(data, *statements):
    """What somebody does who can write the file: around every trigger."""
    with closing(sqlite3.connect(data / "ledger.sqlite", isolation_level=None)) as connection:
        for statement in ("DROP TRIGGER events_linked", *statements):
            connection.execute(statement)


async def broken(data, *options):
    """What the audit of a ledger finds that is not as it was recorded."""
    found = json.loads((await finished("audit", "verify", "--data", data, "--json", *options, code=1)).output)
    assert not found["whole"]
    return found


async def test_a_ledger_that_nobody_touched_is_whole(data):
    found = await told("audit", "verify", "--data", data)
    events = rows(data, "SELECT count(*), min(at) FROM events")[0]
    texts = rows(data, "SELECT count(*) FROM contents")[0]
    assert found == {
        "whole": True,
        "events": events[0],
        "head": found["head"],
        "earlier": 0,
        "since": found["since"],
        "broken": None,
        "texts": texts[0],
        "erased": 0,
        "unbound": 0,
        "pending": None,
        "altered": 0,
        "altered_texts": [],
    }
    assert await run("audit", "head", "--data", data) == f"{events[0]} {found['head']}\n"
    lines = (await run("audit", "verify", "--data", data)).splitlines()
    assert lines[0] == f"whole   {events[0]} events, each linked to the one before"


async def test_a_stranger_verifies_an_export_by_what_the_documentation_says(data):
    snippet = re.search(r"\n\n((?:    .*\n|\n)*    print\(link\)\n)", PAGE)[1]
    exported = (await finished("audit", "export", "-", "--data", data)).stdout_bytes
    command = [sys.executable, "-c", textwrap.dedent(snippet)]
    verified = await anyio.run_process(command, input=exported)
    assert verified.stdout.decode().strip() == (await told("audit", "head", "--data", data))["link"]
    spoilt = await anyio.run_process(command, input=exported.replace(b"carol", b"karol", 1), check=False)
    assert b"AssertionError" in spoilt.stderr


async def test_an_export_is_written_to_a_file_whole(data, tmp_path):
    await run("audit", "export", tmp_path / "events.jsonl", "--data", data)
    exported = (await finished("audit", "export", "-", "--data", data)).stdout_bytes
    assert (tmp_path / "events.jsonl").read_bytes() == exported


def test_every_kind_of_event_is_named():
    sources = [file.read_text("utf-8") for room in ("kmu", "server", "storage") for file in (ROOT / room).rglob("*.py")]
    kinds = {kind for source in sources for kind in re.findall(r'record\(\s*"([^"]+)"', source)}
    kinds |= set(get_args(Decision)) - {"rejected"}
    assert kinds >= {"feedback", "exported", "corroborated"}
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in PAGE] == []


async def test_an_export_takes_no_other_files_place(data, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileRefused, match="no such export"):
        await run("audit", "export", tmp_path / "notes.txt", "--data", data)
    assert (tmp_path / "notes.txt").read_text() == "mine"


async def test_an_altered_event_is_named(data):
    tampered(data, """UPDATE events SET agent = 'mallory' WHERE seq = 3""")
    event = first(data, "SELECT id FROM events WHERE seq = 3")
    because = "it is not what was recorded: its link does not follow from what it says"
    assert (await broken(data))["broken"] == {"seq": 3, "event": event, "because": because}
    shown = (await finished("audit", "verify", "--data", data, code=1)).output
    assert f"first at event 3 ({event}):\n        {because}\n" in shown


@pytest.mark.parametrize("column", ["id", "store", "at", "kind", "agent", "subject", "body", "link"])
async def test_a_change_of_any_field_is_found(data, column):
    tampered(data, f"UPDATE events SET {column} = {column} || '1' WHERE seq = 4")
    assert (await broken(data))["broken"]["seq"] in (4, 5)


async def test_an_event_that_was_taken_out_is_missed_where_it_was(data):
    tampered(data, "DELETE FROM events WHERE seq = 3")
    found = (await broken(data))["broken"]
    assert (found["seq"], found["because"]) == (4, "an event is gone before it")


async def test_the_first_events_are_missed_too(data):
    tampered(data, "DELETE FROM events WHERE seq < 3")
    found = (await broken(data))["broken"]
    assert (found["seq"], found["because"]) == (3, "2 events are gone before it")


async def test_events_cut_off_at_the_end_are_missed(data):
    count = (await told("audit", "head", "--data", data))["events"]
    tampered(data, f"DELETE FROM events WHERE seq > {count - 2}")
    found = (await broken(data))["broken"]
    assert (found["seq"], found["because"]) == (None, f"the last 2 of {count} events are gone")


async def test_a_head_noted_elsewhere_finds_even_an_end_that_was_cut_off_with_care(data):
    noted = await told("audit", "head", "--data", data)
    assert (await told("audit", "verify", "--expect", noted["link"], "--data", data))["whole"]
    count = noted["events"]
    kept = f"(SELECT link FROM events WHERE seq = {count - 2})"
    tampered(
        data,
        f"UPDATE chain SET events = {count - 2}, head = {kept}",
        f"DELETE FROM events WHERE seq > {count - 2}",
    )
    assert (await broken(data, "--expect", noted["link"]))["broken"]["because"] == (
        f"no event has the link {noted['link']}: the chain is not the one it was taken from"
    )


async def test_events_that_changed_places_are_found(data):
    tampered(
        data,
        "UPDATE events SET seq = -3 WHERE seq = 3",
        "UPDATE events SET seq = 3 WHERE seq = 4",
        "UPDATE events SET seq = 4 WHERE seq = -3",
    )
    found = (await broken(data))["broken"]
    assert (found["seq"], found["because"][:30]) == (3, "it was put in or moved here: t")


async def test_an_event_that_was_put_in_is_named(data):
    columns = "id, store, at, kind, agent, subject, body, link"
    tampered(
        data,
        "UPDATE events SET seq = -seq - 1 WHERE seq >= 3",
        "UPDATE events SET seq = -seq WHERE seq < 0",
        f"INSERT INTO events (seq, {columns}) SELECT 3, 'e_0', store, at, kind, 'mallory', subject, body, link "
        "FROM events WHERE seq = 2",
    )
    found = (await broken(data))["broken"]
    assert (found["seq"], found["event"]) == (3, "e_0")


async def test_an_event_that_was_put_in_with_a_link_of_its_own_is_named(data):
    link = first(data, "SELECT link FROM events WHERE seq = 2")
    said = ["e_0", "s_0", "1", "pruned", "mallory", "k_0", "{}"]
    forged = hashlib.sha256("\n".join([link, *said]).encode()).hexdigest()
    tampered(
        data,
        "UPDATE events SET seq = -seq - 1 WHERE seq >= 3",
        "UPDATE events SET seq = -seq WHERE seq < 0",
        f"INSERT INTO events VALUES (3, 'e_0', 's_0', 1, 'pruned', 'mallory', 'k_0', '{{}}', '{forged}')",
    )
    found = (await broken(data))["broken"]
    assert found == {
        "seq": 3,
        "event": "e_0",
        "because": "it was put in: the event behind it does not follow from it",
    }


async def test_a_text_that_somebody_changed_is_named(data):
    item = first(data, "SELECT id FROM items ORDER BY seq LIMIT 1")
    tampered(data, f"UPDATE contents SET body = replace(body, 'two days', 'no time') WHERE id = '{item}'")
    found = await broken(data)
    assert found["broken"] is None
    assert found["altered_texts"] == [f"the text of {item} is not what was recorded"]


async def test_a_text_that_somebody_emptied_or_removed_is_named(data):
    item = first(data, "SELECT id FROM items ORDER BY seq LIMIT 1")
    report = first(data, "SELECT id FROM feedback LIMIT 1")
    tampered(
        data,
        f"UPDATE contents SET body = '{{}}', nonce = '' WHERE id = '{item}'",
        f"DELETE FROM contents WHERE id = '{report}'",
        "INSERT INTO contents (id, body, nonce) VALUES ('k_0', '{}', 'abc')",
    )
    assert set((await broken(data))["altered_texts"]) == {
        f"the text of {item} is gone, and nobody erased it",
        f"the text of {report} is gone, and nobody erased it",
        "no event tells of the text of k_0",
    }


async def test_what_happened_is_shown_by_agent_item_kind_and_time(data):
    everything = (await run("audit", "show", "--data", data)).splitlines()
    assert len(everything) == (await told("audit", "head", "--data", data))["events"]
    assert not any("\\u001b" in line for line in everything), "colours are ours"
    item = first(data, "SELECT id FROM items ORDER BY seq LIMIT 1")
    of_item = (await told("audit", "show", "--item", item.upper(), "--data", data))["events"]
    assert [event["kind"] for event in of_item] == ["new", "retrieved", "feedback", "edited"]
    by_bob = (await told("audit", "show", "--agent", "bob", "--kind", "feedback", "--data", data))["events"]
    assert [event["body"]["credited"] for event in by_bob] == [[item]]
    latest = await told("audit", "show", "--limit", "2", "--since", "1h", "--data", data)
    assert latest["earlier"] == len(everything) - 2
    assert [event["kind"] for event in latest["events"]] == ["planned", "edited"]
    assert await run("audit", "show", "--agent", "nobody", "--data", data) == "nothing of that happened\n"
    assert "no moment: use 12h" in (await finished("audit", "show", "--since", "soon", "--data", data, code=2)).output
    assert re.match(r"… \d+ earlier events", await run("audit", "show", "--limit", "1", "--data", data))


async def test_events_hold_no_text_and_no_digest_of_one_that_could_be_guessed(data):
    bodies = [body for [body] in rows(data, "SELECT body FROM events")]
    assert [body for body in bodies if re.search(r"signing|gateway|restart", body, re.IGNORECASE)] == []
    digests = rows(data, "SELECT digest, condition, lesson, gist FROM items")
    digests += rows(data, "SELECT request FROM feedback WHERE request <> ''")
    guessable = {digest for row in digests for digest in row if digest}
    assert guessable
    assert [body for body in bodies if any(digest in body for digest in guessable)] == []


async def test_a_spoilt_event_is_shown_as_it_is(data):
    tampered(data, "UPDATE events SET body = '{', at = 9000000000000000000 WHERE seq = 1")
    assert (await broken(data))["broken"]["seq"] == 1
    first = (await told("audit", "show", "--data", data))["events"][0]
    assert (first["at"], first["body"]) == ("9000000000000000000", {"unreadable": "{"})
    assert "unreadable {" in await run("audit", "show", "--data", data)
