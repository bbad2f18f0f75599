"""Erasing for good: not a byte of it is left, whoever works beside, and the chain is whole."""

import gzip
import json
import re
import shutil
import sqlite3

import anyio
import pytest
from command import finished, run, told
from erasing import MARK, TASK, columns, erase, marked, traces, whole
from killing import killed_at
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from fleet import Fleet, http_server, in_process
from fleetlore.kmu import erasure
from fleetlore.kmu.unit import KnowledgeManagementUnit, Policy
from fleetlore.server.settings import utc_now
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.errors import Refusal
from fleetlore.storage.ledger import Ledger


async def test_a_text_is_erased_wherever_it_stood_while_a_server_goes_on(tmp_path):
    data = tmp_path / "data"
    with http_server(data) as (url, _):
        async with Client(streamable_http_client(f"{url}/mcp")) as client:
            fleet = Fleet(client)
            kept = await fleet.teach("Restart the gateway after the keys", task=TASK, agent="bob")
            item = await marked(fleet)
            assert item == await fleet.teach(f"Keep a key of {MARK} for a day", task=f"{TASK} of {MARK}", agent="carol")
            doomed = await fleet.teach(f"Never tell {MARK} of keys", task=TASK, agent="carol")
            own = await fleet.teach(f"Ask {MARK} first", task=TASK, agent="ana", space="prompt", task_type=MARK)
            seen = (await fleet.retrieve(f"{TASK} of {MARK}", agent="bob"))["receipt"]
            harm = {"harmful": [doomed], "reasoning": f"{MARK} was wrong"}
            await fleet.submit(TASK, agent="bob", outcome="failure", receipt=seen, **harm)
            edit = re.search(
                r"p_\w+", await run("edit", item, "--insight", f"Keep it for two days, {MARK}", "--data", data)
            )[0]
            pruned = await told("prune", doomed, "--reason", f"{MARK} asked for it", "--apply", "--yes", "--data", data)
            await run("rebuild", "--data", data)
            await fleet.retrieve(f"{TASK} of {MARK}", agent="dave")
            assert [file for file in traces(data) if file.startswith("spaces")]
            shown = await told("forget", "--match", MARK.upper(), "--dry-run", "--data", data)
            assert {"id": own, "own": True} in shown["texts"]
            async with anyio.create_task_group() as others:

                async def ask():
                    while True:
                        assert (await fleet.retrieve(TASK, agent="eve"))["items"]

                others.start_soon(ask)
                erased = await erase(data, "--match", MARK.upper(), "--reason", "asked for")
                others.cancel_scope.cancel()
            assert erased["finished"]
            assert erased["erased"] == shown["erased"]
            assert {one["id"] for one in erased["texts"]} >= {item, doomed, own, edit, pruned["plan"], seen}
            assert traces(data) == []
            assert [text for text in await columns(data) if MARK.casefold() in text.casefold()] == []
            found = await fleet.retrieve(TASK, agent="ana")
            assert [one["id"] for one in found["items"]] == [kept]
            after = await whole(data)
            assert after["erased"] == len(erased["texts"])
            again = await fleet.teach("Rotate on Mondays", task=TASK, agent="bob")
            assert again in [one["id"] for one in (await fleet.retrieve(TASK, agent="eve"))["items"]]
    assert traces(data) == []
    await whole(data)


async def test_servers_that_nobody_asks_go_on_when_an_erasure_takes_their_tables_away(tmp_path):
    data = tmp_path / "data"
    with http_server(data) as (one, _), http_server(data) as (other, _):  # one of which maintains
        async with (
            Client(streamable_http_client(f"{one}/mcp")) as first,
            Client(streamable_http_client(f"{other}/mcp")) as second,
        ):
            fleets = [Fleet(first), Fleet(second)]
            await marked(fleets[0])
            kept = await fleets[1].teach("Restart the gateway", task=TASK, agent="bob")
            await fleets[0].rests()
            assert (await erase(data, "--match", MARK, "--reason", "asked for"))["finished"]
            with anyio.move_on_after(3):  # upkeep looks every second
                while True:
                    for fleet in fleets:
                        assert (await fleet.status())["degraded"] == {}
                    await anyio.sleep(0.05)
            for fleet in fleets:
                assert [item["id"] for item in (await fleet.retrieve(TASK, agent="eve"))["items"]] == [kept]


async def taught(data, *lessons):
    """The ids of lessons of one agent each, given as (agent, insight)."""
    async with in_process(data) as fleet:
        return [await fleet.teach(insight, task=TASK, agent=agent) for agent, insight in lessons]


async def test_what_an_agent_said_is_erased_and_what_others_said_stays(tmp_path):
    data = tmp_path / "data"
    async with in_process(data) as fleet:
        await marked(fleet)
        kept = await fleet.teach("Restart the gateway", task=TASK, agent="bob")
        receipt = (await fleet.retrieve(TASK, agent="ana"))["receipt"]
        await fleet.submit(TASK, agent="ana", outcome="success", receipt=receipt, helpful=[kept], reasoning=MARK)
        erased = await erase(data, "--agent", "ana")
        assert erased["erased"] == {"items": 1, "reports": 2, "receipts": 2, "plans": 0, "labels": 0}
        item = await fleet.resource(f"fleetlore://item/{kept}")
        assert (item["insight"], item["agents"], item["verdicts"][-1]["agent"]) == ("Restart the gateway", 2, "ana")
    assert [file for file in traces(data) if file.startswith("spaces")] == []
    assert (await whole(data))["erased"] == 5
    [line] = (await run("export", "--data", data)).splitlines()
    assert [report["reasoning"] for report in json.loads(line)["reports"] if report["agent"] == "ana"] == [""]


async def test_an_erased_item_is_gone_as_knowledge_and_no_undo_brings_it_back(tmp_path):
    data = tmp_path / "data"
    item, other = await taught(data, ("ana", f"Keep the key of {MARK}"), ("bob", "Restart the gateway first"))
    edited = re.search(r"p_\w+", await run("edit", item, "--insight", f"Burn the key of {MARK}", "--data", data))[0]
    pruned = (await told("prune", item, other, "--reason", "gone", "--apply", "--yes", "--data", data))["plan"]
    erased = await erase(data, "--item", item.upper(), "--reason", "asked for")
    assert traces(data) == []
    shown = await told("show", item, "--data", data)
    assert (shown["status"], shown["insight"], shown["support"]) == ("erased", "", 1)
    assert "erased what it said" in await run("show", item, "--data", data)
    back = await run("undo", pruned, "--data", data)
    assert "took back" in back
    assert "but not for 1 item erased for good since" in back
    assert (await told("show", other, "--data", data))["status"] == "provisional"
    assert (await told("show", item, "--data", data))["status"] == "erased"
    assert "0 acts" not in await run("undo", edited, "--data", data)
    with pytest.raises(Refusal, match="nothing left that could be taken back"):
        await run("undo", erased["plan"], "--data", data)
    with pytest.raises(Refusal, match="was erased for good"):
        await run("edit", item, "--insight", "again", "--data", data)
    [again] = await taught(data, ("ana", "Keep the key of somebody"))
    assert again not in (item, other)
    await whole(data)


async def test_words_from_before_an_edit_can_be_erased_alone(tmp_path):
    data = tmp_path / "data"
    [item] = await taught(data, ("ana", "Keep the key"))
    await run("edit", item, "--insight", f"Keep the key of {MARK}", "--data", data)
    undone = re.search(r"p_\w+", await run("edit", item, "--insight", "Keep every key", "--data", data))[0]
    await erase(data, "--match", MARK)
    assert traces(data) == []
    assert (await told("show", item, "--data", data))["insight"] == "Keep every key"
    with pytest.raises(Refusal, match=r"the words that .* had before were erased"):
        await run("undo", undone, "--data", data)
    await whole(data)


async def test_what_an_erased_text_said_can_be_said_again_and_is_new(tmp_path):
    data = tmp_path / "data"
    [item] = await taught(data, ("ana", f"Keep the key of {MARK}"))
    await erase(data, "--item", item)
    [again] = await taught(data, ("ana", f"Keep the key of {MARK}"))
    assert again != item
    assert (await told("show", again, "--data", data))["history"][0]["kind"] == "new"


async def test_files_that_hold_it_are_named_and_left_alone(tmp_path):
    data = tmp_path / "data"
    [item] = await taught(data, ("ana", f"Keep the key of {MARK}"))
    await run("export", data / "export.jsonl", "--data", data)
    (data / "backups").mkdir()
    (data / "backups" / "ledger.gz").write_bytes(gzip.compress(b"who knows"))
    (data / "edits").mkdir()
    (data / "edits" / f"{item}-1.md").write_text(f"Keep {MARK}")
    erased = await erase(data, "--item", item)
    assert erased["elsewhere"] == [str(data / "export.jsonl")]
    assert erased["unread"] == [str(data / "backups" / "ledger.gz")]
    assert (erased["kept_texts"], erased["exports"]["count"]) == (1, 1)
    assert traces(data) == ["export.jsonl"]


async def test_copies_that_a_killed_restore_or_a_person_left_behind_are_removed_or_named(tmp_path):
    data = tmp_path / "data"
    [item] = await taught(data, ("ana", f"Keep the key of {MARK}"))
    await run("backup", tmp_path / "backup.sqlite", "--data", data)
    await killed_at("fleetlore.kmu.restoring:put_back", "restore", tmp_path / "backup.sqlite", "--yes", "--data", data)
    (data / "mine").mkdir()
    shutil.copy(tmp_path / "backup.sqlite", data / "mine" / "ledger.sqlite")
    assert "restoring/ledger.sqlite" in traces(data)
    assert (await erase(data, "--item", item))["elsewhere"] == [str(data / "mine" / "ledger.sqlite")]
    assert traces(data) == ["mine/ledger.sqlite"]


async def test_a_reader_of_an_older_state_holds_the_end_back_and_it_is_finished_later(tmp_path):
    data = tmp_path / "data"
    [item] = await taught(data, ("ana", f"Keep the key of {MARK}"))
    reader = sqlite3.connect(data / "ledger.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM contents").fetchall()
    impatient = {"embedder": "", "fallback": DEFAULT_EMBEDDER, "clock": utc_now, "pragmas": {"busy_timeout": 50}}
    async with (
        Ledger.open(data, **impatient) as opened,
        KnowledgeManagementUnit.open(opened, data, policy=Policy()) as unit,
    ):
        begun = await erasure.begin(opened, erasure.Target(items=(item,)), agent="ana", reason="asked for")
        assert not await erasure.finish(opened, unit.spaces, begun.plan, agent="ana", progress=print)
    assert (await told("audit", "verify", "--data", data))["pending"] == begun.plan
    assert f"{begun.plan} has not erased everything yet" in await run("audit", "verify", "--data", data)
    reader.close()
    assert await told("forget", "--item", item, "--data", data) == {"plan": begun.plan, "finished": True}
    assert traces(data) == []
    assert (await whole(data))["pending"] is None
    assert (await finished("forget", "--data", data, code=2)).output.endswith("--agent, --item or --match\n")


async def test_nothing_is_erased_that_was_not_asked_for_plainly(tmp_path):
    data = tmp_path / "data"
    [item] = await taught(data, ("ana", "Keep the key"))
    await finished("forget", "--agent", "ana", "--match", "key", "--data", data, code=2)
    for options, problem in (
        (("--match", " ke "), "shorter than 3 characters"),
        (("--item", "k_0"), "there is no item k_0"),
        (("--item", item), "nobody to ask"),
        (("--match", "keep", "--reason", "to KEEP nothing", "--yes"), "it holds the text that is to be erased"),
        (("--agent", "***"), "no letter or digit"),
        (("--match", "\udcff\udcff\udcff"), "match: it is not in UTF-8"),
    ):
        with pytest.raises(Refusal, match=problem):
            await run("forget", *options, "--data", data)
    assert await run("forget", "--match", "insight", "--data", data) == "nothing of that is there\n"
    assert await run("forget", "--agent", "nobody", "--data", data) == "nothing of that is there\n"
    assert item in await run("forget", "--match", "KEEP", "--dry-run", "--data", data)
    assert (await told("show", item, "--data", data))["insight"] == "Keep the key"


async def test_the_event_of_an_erasure_names_no_words(tmp_path):
    data = tmp_path / "data"
    await taught(data, ("ana", f"Keep the key of {MARK}"))
    erased = await erase(data, "--match", MARK, "--reason", "a reason")
    events = (await told("audit", "show", "--item", erased["plan"], "--data", data))["events"]
    kinds = ["planned", *["erased"] * len(erased["texts"]), "forgotten", "purged"]
    assert [event["kind"] for event in events] == kinds
    assert events[-2]["body"] | {"target": None} == {"by": "match", "target": None, **erased["erased"]}
    assert "reason" in (await told("show", erased["plan"], "--data", data))["reason"]


async def revoked_with_an_heir(data):
    """An agent's lesson with the mark that is another's since the agent was revoked."""
    async with in_process(data, promote_after=1) as fleet:
        item = await marked(fleet, project=f"acme/{MARK}")
        receipt = (await fleet.retrieve(TASK, agent="bob"))["receipt"]
        await fleet.submit(TASK, agent="bob", outcome="success", receipt=receipt, helpful=[item])
    await run("revoke", "ana", "--yes", "--data", data)
    assert (await told("show", item, "--data", data))["author"] == "bob"
    return item


async def test_what_revoking_an_agent_keeps_for_its_undo_loses_the_words_too(tmp_path):
    data = tmp_path / "data"
    await revoked_with_an_heir(data)
    assert traces(data)
    await erase(data, "--match", MARK)
    assert traces(data) == []
    await whole(data)


async def test_words_are_their_first_tellers_also_where_the_item_is_anothers_by_now(tmp_path):
    data = tmp_path / "data"
    item = await revoked_with_an_heir(data)
    assert item in [text["id"] for text in (await erase(data, "--agent", "ana"))["texts"]]
    assert [file for file in traces(data) if file.startswith("spaces")] == []
    await whole(data)
