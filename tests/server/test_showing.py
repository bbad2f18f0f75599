"""`fleetlore show` and `fleetlore why`: everything about an item, a report, a receipt or a plan, as of then."""

import json
import re
import sqlite3
from contextlib import closing

import anyio
import pytest
from command import run, told
from hypothesis import given
from hypothesis import strategies as st

from fleet import COMMAND, in_process, slept
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import Factors, Shown
from fleetlore.storage.rows import shown_as_row, shown_of

TASK = "rotate the signing keys of the payment gateway"
LESSON = "Keep the old key for a day"


@pytest.fixture
async def data(tmp_path):
    return tmp_path / "data"


async def test_an_item_is_shown_down_to_the_words_of_each_report(data):
    async with in_process(data, project="acme/billing") as fleet:
        item = await fleet.teach(LESSON, task=TASK, agent="ana", tags=["keys"])
        reports = {}
        for agent, outcome, named in (("bob", "success", "helpful"), ("eve", "failure", "harmful")):
            receipt = (await fleet.retrieve(TASK, agent=agent))["receipt"]
            answer = await fleet.submit(
                TASK, outcome=outcome, agent=agent, receipt=receipt, reasoning=f"{agent} saw it", **{named: [item]}
            )
            reports[agent] = answer["feedback"]
    text = await run("show", item, "--data", data)
    for sentence in (
        f"{item}  provisional",
        LESSON,
        f"applies when {TASK}",
        "general space, project acme/billing, tags keys",
        "provisional: outcomes of other agents have not borne it out yet",
        "2 reports for it and 1 against, backed by 2 agents in 1 project",
        f"bob: helpful (success)  {reports['bob']}",
        "“bob saw it”",
        f"eve: harmful (failure)  {reports['eve']}",
        "“eve saw it”",
        "ana: told it: f_",
        f"next: fleetlore edit {item}",
    ):
        assert sentence in text
    [_, said, _] = (await told("show", item, "--data", data))["verdicts"]
    assert (said["agent"], said["outcome"], said["sentences"]) == (
        "bob",
        "success",
        [f"Followed {item}, which helped.", "bob saw it"],
    )
    report = await told("show", reports["eve"], "--data", data)
    assert (report["outcome"], report["reasoning"], report["blamed"]) == ("failure", "eve saw it", [item])
    assert "next: what it had been shown: fleetlore why r_" in await run("show", reports["eve"], "--data", data)


async def test_of_many_reports_the_latest_are_told_to_people_and_all_to_machines(data):
    async with in_process(data) as fleet:
        item = await fleet.teach(LESSON, task=TASK)
        for _ in range(22):
            receipt = (await fleet.retrieve(TASK, agent="bob"))["receipt"]
            last = await fleet.submit(TASK, outcome="success", agent="bob", receipt=receipt, helpful=[item])
    text, whole = await run("show", item, "--data", data), await told("show", item, "--data", data)
    assert "… 3 earlier ones (--json has all)" in text
    assert (text.count("bob: helpful"), last["feedback"] in text, len(whole["verdicts"])) == (20, True, 23)


async def test_an_outcome_that_was_seen_from_outside_is_told_as_such(data):
    async with in_process(data) as fleet:
        item = await fleet.teach(LESSON, task=TASK)
        receipt = (await fleet.retrieve(TASK, agent="zoe"))["receipt"]
    await run("hook", "report", "--receipt", receipt, "--implicit", "tests-passed", "--data", data)
    text = await run("show", item, "--data", data)
    assert "zoe: helpful, not by name (success, seen from outside)" in text
    [_, seen] = (await told("show", item, "--data", data))["verdicts"]
    report = await run("show", seen["feedback"], "--data", data)
    assert report.startswith(f"{seen['feedback']}  success (seen from outside: tests passed), by zoe at ")
    assert "(implicit: tests passed)" in await run("why", receipt, "--data", data)


async def test_an_item_tells_what_became_of_it(data):
    async with in_process(data) as fleet:
        old = await fleet.teach("Deploy on Fridays", task=TASK)
        wording = await fleet.teach("Ask the bank first", task=TASK)
        await fleet.teach("Please ask the bank first", task=TASK, agent="eve")
        new = await fleet.teach("Deploy on Mondays", task=TASK, agent="bob", replaces=[old])
    text = await run("show", old, "--data", data)
    assert f"superseded: {new} took its place" in text
    assert f"  {new}: “Deploy on Mondays”" in text
    [other] = (await told("show", wording, "--data", data))["wordings"]
    assert f"to part them: fleetlore undo {other['plan']}" in await run("show", wording, "--data", data)
    merged = await run("show", other["id"], "--data", data)
    assert f"merged: the same lesson as {wording} in other words; it lives on there" in merged
    pruned = await told("prune", new, "--reason", "we never deploy", "--apply", "--data", data)
    assert (await told("show", new, "--data", data))["because"] == f"plan {pruned['plan']}: we never deploy"
    assert f"next: to bring it back: fleetlore undo {pruned['plan']}" in await run("show", new, "--data", data)


async def test_what_others_say_cannot_steer_the_terminal(data):
    evil = "Keep\x1b[2J it\x9b31m \u202egnp.exe"
    async with in_process(data) as fleet:
        item = await fleet.teach(evil, task=f"{TASK}\x1b]0;title\x07", reasoning="\x1b[31mred")
        receipt = (await fleet.retrieve(TASK, agent="zoe"))["receipt"]
    found = await told("show", item, "--data", data)
    assert found["insight"] == "Keep\\u001b[2J it\\u009b31m \\u202egnp.exe"
    plan = (await told("prune", item, "--reason", "test", "--data", data))["plan"]
    commands = [["show", item], ["show", found["origin"]["feedback"]], ["show", plan], ["why", receipt], ["search"]]
    for command in [*commands, ["report"]]:
        text = await run(*command, "--data", data)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text), command


async def test_what_a_refusal_quotes_cannot_steer_the_terminal_either(data):
    await run("add", LESSON, "--data", data)
    command = [*COMMAND, "show", "k_\u202e\x1b[2J", "--data", str(data)]
    refused = await anyio.run_process(command, check=False)
    assert refused.returncode == 1
    assert b"there is no item k_\\u202e\\u001b[2j." in refused.stderr


async def test_a_plan_is_shown_with_each_act_and_how_to_take_it_back(data):
    async with in_process(data) as fleet:
        one = await fleet.teach("limit: 5", task=TASK)
        other = await fleet.teach("limit: 6", task=TASK)
    [plan] = (await slept(data)).plans
    text = await run("show", plan.id, "--data", data)
    assert f"conflict {one} → {other}: “limit: 5”" in text or f"conflict {other} → {one}" in text
    assert f"to take it back: fleetlore undo {plan.id}" in text
    assert (await told("undo", plan.id, "--data", data))["state"] == "undone"
    assert (await told("show", plan.id, "--data", data))["state"] == "undone"


async def test_an_agents_own_item_is_shown_to_that_agent_alone(data):
    async with in_process(data) as fleet:
        own = await fleet.teach(LESSON, task=TASK, space="prompt", task_type="ops", agent="bob")
        receipt = (await fleet.retrieve(TASK, agent="bob", task_type="ops"))["receipt"]
    shown = await told("show", own, "--agent", "bob", "--data", data)
    assert (shown["owner"], shown["because"]) == ("bob", "its owner's own")
    for id in (own, shown["origin"]["feedback"]):
        with pytest.raises(Refusal, match=f"there is no (item|report) {id}"):
            await run("show", id, "--agent", "ana", "--data", data)
    assert LESSON in await run("why", receipt, "--agent", "bob", "--data", data)
    assert LESSON not in await run("why", receipt, "--agent", "ana", "--data", data)


async def test_what_comes_next_for_an_agents_own_item_names_the_agent(data):
    own = ("--agent", "bob", "--data", data)
    added = await run("add", LESSON, "--space", "prompt", *own)
    item = added.split()[0]
    assert f"fleetlore show {item} --agent bob; to word it anew: fleetlore edit {item} --agent bob" in added
    for written, command in (
        (await run("search", "--space", "prompt", *own), f"fleetlore show {item}"),
        (await run("show", item, *own), f"fleetlore edit {item}"),
        (await run("prune", item, "--reason", "test", *own), "--apply"),
    ):
        assert f"{command} --agent bob" in written


@pytest.mark.parametrize(
    ("id", "sentence"),
    [
        ("k_00000000000000000000", r"there is no item k_0+\. 'fleetlore search' finds items"),
        ("f_x", r"there is no report f_x\. 'fleetlore show k_…' names the reports"),
        ("r_x", "there is no receipt r_x"),
        ("p_x", "there is no plan p_x"),
        ("e_x", r"'e_x' is no id\. Ids are k_… for an item, f_… for a report, r_… for a receipt, p_… for a plan"),
        ("", "'' is no id"),
        ("k", "'k' is no id"),
    ],
)
async def test_what_is_no_id_is_told_what_ids_look_like(data, id, sentence):
    async with in_process(data):
        pass
    with pytest.raises(Refusal, match=sentence):
        await run("show", id, "--data", data)


async def test_why_explains_each_score_as_the_product_that_it_was(data):
    async with in_process(data, project="acme/billing") as fleet:
        here = await fleet.teach(LESSON, task=TASK)
        old = await fleet.teach("Rotate the keys on Fridays", task=TASK)
        await fleet.teach("Rotate the keys on Mondays", task=TASK, replaces=[old])
        elsewhere = await fleet.teach("Rotate the keys of the gateway twice", task=TASK, project="acme/shop")
        receipt = (await fleet.retrieve(TASK, agent="zoe", limit=3))["receipt"]
        await fleet.submit(TASK, outcome="failure", agent="zoe", receipt=receipt, harmful=[here], reasoning="it broke")
    found = await told("why", receipt, "--data", data)
    assert len(found["shown"]) == 3
    for shown in found["shown"]:
        product = shown["relevance"] ** 2 * shown["trust"] ** shown["weight"] * shown["agreement"] * shown["discount"]
        assert shown["score"] == pytest.approx(product, abs=2e-4)
        assert (shown["status_then"], shown["contradiction_then"]) == ("provisional", 0)
    by_item = {shown["item"]: shown for shown in found["shown"] + found["not_shown"]}
    assert set(by_item) >= {here, old, elsewhere}
    [now] = [shown for shown in found["shown"] if shown["item"] == here]
    assert now["confidence_now"] < now["trust"]
    text = await run("why", receipt, "--data", data)
    assert f"1. {found['shown'][0]['item']} score {found['shown'][0]['score']} = relevance " in text
    assert "near, but not shown:" in text


async def test_an_item_of_another_project_is_discounted_and_why_says_so(data):
    async with in_process(data, project="acme/billing") as fleet:
        await fleet.teach(LESSON, task=TASK, project="acme/shop")
        receipt = (await fleet.retrieve(TASK, agent="zoe"))["receipt"]
    [shown] = (await told("why", receipt, "--data", data))["shown"]
    assert shown["discount"] == 0.4
    assert "× discount 0.4" in await run("why", receipt, "--data", data)


async def test_a_receipt_of_an_earlier_version_is_told_without_what_it_did_not_keep(data):
    async with in_process(data) as fleet:
        item = await fleet.teach(LESSON, task=TASK)
        receipt = (await fleet.retrieve(TASK, agent="zoe"))["receipt"]
    with closing(sqlite3.connect(data / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("UPDATE receipts SET shown = ?", (json.dumps([[item, 0.9, 0.6]]),))
    [shown] = (await told("why", receipt, "--data", data))["shown"]
    assert {name: shown[name] for name in ("item", "relevance", "score")} == {
        "item": item,
        "relevance": 0.9,
        "score": 0.6,
    }
    assert "trust" not in shown
    assert f"1. {item} score 0.6, relevance 0.9\n" in await run("why", receipt, "--data", data)


_SHARES = st.floats(0, 1)


@given(
    st.builds(
        Shown,
        item=st.from_regex(r"k_[0-9a-z]{20}", fullmatch=True).map(ItemId),
        relevance=_SHARES,
        score=_SHARES,
        factors=st.none()
        | st.builds(
            Factors,
            trust=_SHARES,
            agreement=_SHARES,
            discount=_SHARES,
            status=st.sampled_from(["active", "provisional", "contested", "superseded"]),
            support=st.integers(0, 10**6),
            contradiction=st.integers(0, 10**6),
        ),
    )
)
def test_a_line_of_a_receipt_is_kept_as_it_was(shown):
    assert shown_of(json.loads(json.dumps(shown_as_row(shown)))) == shown


async def test_a_report_that_came_with_an_import_is_shown_though_it_was_answered_elsewhere(data, tmp_path):
    await run("add", LESSON, "--agent", "bob", "--data", data)
    await run("export", tmp_path / "export.jsonl", "--data", data)
    await run("import", tmp_path / "export.jsonl", "--data", tmp_path / "other")
    with closing(sqlite3.connect(tmp_path / "other" / "ledger.sqlite")) as ledger:
        [[report]] = ledger.execute("SELECT id FROM feedback")
    shown = await told("show", report, "--data", tmp_path / "other")
    assert (shown["agent"], shown["outcome"], shown["learned"]) == ("bob", "observation", [])
    assert f"{report}  observation, by bob" in await run("show", report, "--data", tmp_path / "other")
