"""Secrets are taken out at the door, whichever way they come; none is in what a data directory holds afterwards."""

import json
import logging
import sqlite3
from contextlib import closing

import lancedb
import pytest
from chance import chance, key_block
from command import run, told

from fleet import in_process, unit_over
from fleetlore.kmu import screening
from fleetlore.server.cli import _Discreet
from fleetlore.storage import redaction, rescreening, rows, sealing
from fleetlore.storage.redaction import SCREENING, Redacted

AGENT = {"agent": "ana"}


async def held(data):
    """Every byte of a data directory, and every row of its knowledge spaces, which compress what they hold."""
    whole = b"".join(file.read_bytes() for file in sorted(data.rglob("*")) if file.is_file())
    spaces = await lancedb.connect_async(data / "spaces")
    for name in (await spaces.list_tables()).tables:
        rows = (await (await spaces.open_table(name)).query().to_arrow()).to_pylist()
        whole += json.dumps(rows, default=str).encode()
    return whole


async def test_every_text_field_of_a_report_is_screened_before_anything_is_stored(tmp_path):
    data = tmp_path / "data"
    secrets = [chance(24) for _ in range(8)]
    async with in_process(data) as fleet:
        answer = await fleet.submit(
            f"deploy with token={secrets[0]}",
            outcome="auto",
            reasoning=f"it wants password: {secrets[1]}",
            insight=f"Export API_TOKEN={secrets[2]} before the deploy",
            applies_when=f"the registry is https://ci:{secrets[3]}@npm.acme.io/",
            output=f'{{"client_secret": "{secrets[4]}"}}',
            expected=f"Authorization: Bearer {secrets[5]}",
            project=f"token={secrets[6]}",
            tags=[f"secret={secrets[7]}"],
            **AGENT,
        )
        assert answer["redacted"] == 8
        found = await fleet.retrieve("deploy before the registry", **AGENT)
        assert found["items"][0]["insight"] == "Export API_TOKEN=[redacted: secret] before the deploy"
    whole = await held(data)
    assert [secret for secret in secrets if secret.encode() in whole] == []


async def test_a_secret_is_taken_out_of_the_fields_that_do_not_give_it_away(tmp_path):
    data, secret = tmp_path / "data", chance(12)
    async with in_process(data) as fleet:
        await fleet.submit(f"log in with {secret}", outcome="failure", reasoning=f"password: {secret}", **AGENT)
    assert secret.encode() not in await held(data)


async def test_a_long_output_is_screened_as_well(tmp_path):
    data, secret = tmp_path / "data", chance(24)
    async with in_process(data) as fleet:
        output = "line of a log\n" * 14_000 + f"token={secret}"
        answer = await fleet.submit("t", outcome="failure", output=output, **AGENT)
    assert answer["redacted"] == 1
    assert secret.encode() not in await held(data)


async def test_a_question_and_a_reason_to_prune_are_screened(tmp_path):
    data, secret = tmp_path / "data", chance(30)
    async with in_process(data) as fleet:
        item = await fleet.teach("Use --frozen in CI")
        await fleet.retrieve(f"why is api_key={secret} refused", **AGENT)
        await fleet.client.get_prompt("start_task", {"task": f"rotate api_key={secret}"})
        shown = await fleet.call("prune", ids=[item], reason=f"it leaks api_key={secret}", **AGENT)
        assert secret not in json.dumps(shown)
    assert secret.encode() not in await held(data)


async def test_a_report_sent_again_finds_its_answer_although_it_was_redacted(fleet):
    report = {"outcome": "success", "insight": f"Set API_KEY={chance(30)} first", "key": "run-1", **AGENT}
    assert await fleet.submit("deploy", **report) == await fleet.submit("deploy", **report)


async def test_a_key_that_is_a_secret_is_refused_and_not_repeated(fleet):
    token = "gh" + "p_" + chance(36)
    refusal = await fleet.refusal("submit_feedback", task="t", outcome="success", key=token, **AGENT)
    assert refusal == "key: it looks like a secret. Use a key that may be stored, as the name of the run."


@pytest.mark.parametrize(
    "arguments",
    [{"outcome": "api_key={}"}, {"api_key={}": "x"}, {"helpful": ["k_x", "secret={}"]}, {"receipt": "token={}"}],
)
async def test_a_refusal_does_not_repeat_a_secret(fleet, arguments):
    secret = chance(24)
    sent = {
        name.format(secret): [one.format(secret) for one in value] if isinstance(value, list) else value.format(secret)
        for name, value in arguments.items()
    }
    assert secret not in await fleet.refusal("submit_feedback", task="t", insight="Do x", **AGENT, **sent)


def test_a_log_does_not_repeat_a_secret():
    secret = chance(24)
    try:
        raise ValueError(f"bad row: password={secret}")
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "x", 1, "failed at %s", (f"token={secret}",), (ValueError, error, None)
        )
    written = _Discreet("%(message)s").format(record)
    assert written == "failed at token=[redacted: secret]\nValueError: bad row: password=[redacted: password]"


async def test_people_are_told_how_many_secrets_were_removed(tmp_path):
    data, secret, block = tmp_path / "data", chance(20), key_block()
    added = await told("add", f"Sign with {block}", "--data", data, "--agent", "ana")
    assert added["redacted"] == 1
    edited = await told("edit", added["id"], "--data", data, "--agent", "ana", "--insight", f"Sign: password={secret}")
    assert edited["redacted"] == 1
    again = await run("edit", added["id"], "--data", data, "--agent", "ana", "--insight", f"Sign: password={secret}")
    assert "nothing was changed\n1 secret removed before anything was stored" in again
    rules = tmp_path / "AGENTS.md"
    rules.write_text(
        f"# Deploy\n- Set token={secret} in the runner\n- Call api_key={secret}\n- Run `make lint` first\n"
    )
    imported = await told("import", rules, "--data", data, "--agent", "ana", "--project", "p")
    assert imported["redacted"] == 2
    assert secret not in json.dumps(imported)
    assert [
        line["decision"]
        for line in (await told("import", rules, "--data", data, "--agent", "ana", "--project", "p"))["lines"]
    ] == ["known"] * 3
    exported = await run("export", "--data", data, "--agent", "ana")
    whole = await held(data)
    assert secret not in exported
    assert secret.encode() not in whole
    assert block[60:90].encode() not in whole


async def test_an_agent_that_names_itself_with_a_secret_is_refused(tmp_path):
    data, token = tmp_path / "data", "gh" + "p_" + chance(36)
    async with in_process(data) as fleet:
        item = await fleet.teach("Use --frozen in CI")
        for tool, values in (
            ("retrieve_knowledge", {"task": "t"}),
            ("submit_feedback", {"task": "t", "outcome": "success"}),
            ("prune", {"ids": [item], "reason": "old"}),
        ):
            refusal = await fleet.refusal(tool, agent=token, **values)
            assert refusal == "agent: it looks like a secret. Use a name that everybody may read, as build-bot."
    assert token.encode() not in await held(data)


async def test_reasons_to_revoke_and_to_forget_are_screened(tmp_path):
    data, secret = tmp_path / "data", chance(30)
    await run("add", "Set the token in the runner", "--data", data, "--agent", "ana")
    await run("add", "Restart the runner", "--data", data, "--agent", "bob")
    for line in (("revoke", "ana"), ("forget", "--agent", "bob")):
        await run(*line, "--reason", f"it leaked api_key={secret}", "--yes", "--data", data)
    assert secret.encode() not in await held(data)


async def test_an_export_of_a_store_without_screening_is_screened_when_it_is_imported(tmp_path):
    secret = chance(20)
    await run(
        "add", "Set token=PLACE in it", "--project", "x?token=PLACE", "--data", tmp_path / "one", "--agent", "ana"
    )
    exported = (await run("export", "--data", tmp_path / "one", "--agent", "ana")).replace("PLACE", secret)
    file = tmp_path / "lessons.jsonl"
    file.write_text(exported)
    imported = await told("import", file, "--data", tmp_path / "two", "--agent", "ana", "--project", "p")
    assert (imported["redacted"], imported["totals"]["new"]) == (3, 1), "in the lesson, its project, and a report's"
    assert secret.encode() not in await held(tmp_path / "two")


@pytest.fixture
async def older(tmp_path):
    """A data directory as a version without screening left it, the secret in it, and an item that holds it."""
    data, secret = tmp_path / "older", chance(20)
    async with in_process(data, agent="ana") as fleet:
        item = await fleet.teach("Set token=PLACE in the runner", agent="ana", tags=["token=PLACE"])
        asked = await fleet.retrieve("token=PLACE in the runner", agent="ana")
        await fleet.submit("t", outcome="failure", reasoning="token=PLACE", harmful=[item], receipt=asked["receipt"])
        await fleet.call("prune", ids=[item], reason="token=PLACE")
    with closing(sqlite3.connect(data / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("UPDATE contents SET body = replace(body, 'PLACE', ?), screened = 0", (secret,))
        ledger.execute("UPDATE items SET tags = replace(tags, 'PLACE', ?)", (secret,))
        ledger.execute("UPDATE plans SET items = replace(items, 'PLACE', ?)", (secret,))
    return data, secret, item, asked["receipt"]


async def test_what_an_earlier_version_stored_is_screened_whichever_way_it_is_read(older):
    data, secret, item, receipt = older
    options = ["--data", data, "--agent", "ana"]
    said = await run("export", *options) + await run("search", "runner", *options) + await run("why", receipt, *options)
    with closing(sqlite3.connect(data / "ledger.sqlite")) as ledger:
        [(plan,)] = ledger.execute("SELECT id FROM plans")
        [*reports] = ledger.execute("SELECT id FROM feedback")
    for subject in (item, receipt, plan, *(report for (report,) in reports)):
        said += await run("show", subject, *options)
    await run("rebuild", "--data", data)
    assert said.count("token=[redacted: secret]") > 5
    assert secret not in said
    spaces = await lancedb.connect_async(data / "spaces")
    for name in (await spaces.list_tables()).tables:
        assert secret not in str((await (await spaces.open_table(name)).query().to_arrow()).to_pylist())


async def test_upkeep_screens_for_good_what_an_earlier_version_stored(older):
    data, secret, item, _ = older
    async with unit_over(data) as unit:
        await unit.upkeep.work()
        found = (await unit.ledger.read.items([item], agent="ana"))[item]
        assert (found.insight, found.tags) == (
            "Set token=[redacted: secret] in the runner",
            ("token=[redacted: secret]",),
        )
    with closing(sqlite3.connect(data / "ledger.sqlite")) as ledger:
        rows = ledger.execute("SELECT body, screened FROM contents WHERE id NOT LIKE 'p%'").fetchall()
        assert {screened for _, screened in rows} == {SCREENING}
        assert secret not in str(rows)


async def test_what_a_new_version_takes_out_of_a_sealed_text_is_on_record(tmp_path, monkeypatch):
    data, secret = tmp_path / "data", chance(20)
    with monkeypatch.context() as earlier:
        earlier.setattr(screening, "redact", lambda text: Redacted(text=text))  # a version that knows fewer secrets
        async with in_process(data, agent="ana") as fleet:
            item = await fleet.teach(f"Set token={secret} in the runner", agent="ana")
            await fleet.teach("Restart the runner", agent="ana")
    for module in (redaction, rows, sealing, rescreening):
        monkeypatch.setattr(module, "SCREENING", SCREENING + 1)
    async with unit_over(data) as unit:
        await unit.upkeep.work()
    with closing(sqlite3.connect(data / "ledger.sqlite")) as ledger:
        assert secret not in str(ledger.execute("SELECT body FROM contents").fetchall())
    audited = await told("audit", "verify", "--data", data)
    assert (audited["whole"], audited["altered_texts"], audited["unbound"]) == (True, [], 0)
    taken = (await told("audit", "show", "--kind", "screened", "--data", data))["events"]
    assert item in [event["subject"] for event in taken]
    assert len(taken) == 2, "the item and the report that told it, and nothing that held no secret"
    assert "took a secret out of it" in await run("show", item, "--data", data)
