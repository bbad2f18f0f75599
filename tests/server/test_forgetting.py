"""Erasing for good: not a byte of it is left, whoever works beside, and the chain is whole."""

import gzip
import json
import re

import anyio
import lancedb
import pytest
from command import finished, run, told
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from fleet import Fleet, http_server, in_process
from fleetlore.storage.errors import Refusal

MARK = "Zyxomarkör"
TASK = "rotate the signing keys of the payment gateway"


def traces(data, mark=MARK):
    """Every file in which the mark stands, in any case, as text or as JSON."""
    forms = {form.encode().lower() for form in (mark, json.dumps(mark)[1:-1], mark.casefold(), mark[:7])}
    return [
        str(file.relative_to(data))
        for file in data.rglob("*")
        if file.is_file() and any(form in file.read_bytes().lower() for form in forms)
    ]


async def columns(data):
    """Everything that the searchable tables hold in words, of every version that there is."""
    database = await lancedb.connect_async(str(data / "spaces"))
    found = []
    for name in (await database.list_tables()).tables:
        table = await database.open_table(name)
        for version in await table.list_versions():
            await table.checkout(version["version"])
            found += (await table.query().select(["text"]).to_arrow())["text"].to_pylist()
    database.close()
    return found


async def erase(data, *options):
    return await told("forget", *options, "--yes", "--data", data)


async def whole(data):
    """What the audit says of a ledger that is as it was recorded."""
    found = await told("audit", "verify", "--data", data)
    assert found["whole"]
    return found


async def marked(fleet, **arguments):
    """A lesson with the mark in everything that it says, and what led to it."""
    task = f"{TASK} of {MARK}"
    answer = await fleet.retrieve(task, agent="ana", project=f"acme/{MARK}")
    return await fleet.teach(
        f"Keep the key of {MARK} for a day",
        task=task,
        agent="ana",
        receipt=answer["receipt"],
        reasoning=f"because {MARK} said so",
        output=f"{MARK} is well",
        tags=[MARK],
        key=f"{MARK}/1",
        **arguments,
    )


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
            erased = await erase(data, "--match", MARK.upper(), "--reason", "asked for")
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
