"""The commands that tell people what the ledger knows: `gaps`, `report`, `why`."""

import json
import sys

import pytest
from command import run

from fleet import in_process
from fleetlore.storage.errors import DataDirectoryUnusable, MissingLibrary, Refusal

TASK = "rotate the signing keys of the payment gateway"
LESSON = "Keep the old key for a day"


async def attempt(fleet, task, outcome, agent="bob", **arguments):
    """One task from question to report; returns the answer to the question."""
    answer = await fleet.retrieve(task, agent=agent)
    if outcome:
        await fleet.submit(task, outcome=outcome, agent=agent, receipt=answer["receipt"], **arguments)
    return answer


@pytest.fixture
async def data(tmp_path):
    """A ledger with nine successes of ten with knowledge, two of five where it was held out, and no answer once."""
    folder = tmp_path / "data"
    async with in_process(folder, project="acme/billing") as fleet:
        await fleet.teach(LESSON, task=TASK, tags=["keys"])
        for number in range(10):
            await attempt(fleet, TASK, "failure" if number == 4 else "success", f"agent-{number}")
        await attempt(fleet, TASK, None)
    async with in_process(folder, hold_out=1.0, project="acme/billing") as fleet:
        for number in range(5):
            await attempt(fleet, TASK, "success" if number < 2 else "failure")
    return folder


async def test_the_report_compares_what_was_offered_with_what_was_held_out(data):
    found = json.loads(await run("report", "--data", data, "--json"))
    offered = {"successes": 9, "of": 10, "share": 0.9, "low": 0.5958, "high": 0.9821}
    held_out = {"successes": 2, "of": 5, "share": 0.4, "low": 0.1176, "high": 0.7693}
    uplift = {"mean": 0.5, "low": 0.0216, "high": 0.7941}
    assert {name: found[name] for name in ("receipts", "answered", "offered", "shown", "held_out", "uplift")} == {
        "receipts": 16,
        "answered": 15,
        "offered": offered,
        "shown": offered,
        "held_out": held_out,
        "uplift": uplift,
    }
    assert found["nothing_shown"]["of"] == 0
    [item] = found["items"]
    for group, name in (("spaces", "general"), ("tags", "keys"), ("projects", "acme/billing"), ("items", item["name"])):
        assert found[group] == [{"name": name, "offered": offered, "held_out": held_out, "uplift": uplift}]


async def test_the_report_sets_what_was_expected_beside_what_came(data):
    found = json.loads(await run("report", "--data", data, "--json"))
    assert sum(band["of"] for band in found["bands"]) == 10
    assert 0 < found["brier"] < 0.25
    assert [(window["end"], window["share"]) for window in found["curve"]] == [(10, 0.9)]


async def test_the_report_reads_well(data):
    lines = [" ".join(line.split()) for line in (await run("report", "--data", data)).splitlines()]
    assert lines[:4] == [
        "receipts: 16 given, 15 answered (94%)",
        "",
        "success at first share 95 % interval of",
        "knowledge offered 0.900 0.596 to 0.982 10",
    ]
    figures = "0.900 0.596 to 0.982 10 0.400 5 +0.500 +0.022 to +0.794"
    assert [line for line in lines if line.endswith(f"{LESSON} {figures}")] != []


async def test_observations_and_later_reports_do_not_count_as_first_outcomes(tmp_path):
    async with in_process(tmp_path) as fleet:
        receipt = (await attempt(fleet, TASK, "observation"))["receipt"]
        assert json.loads(await run("report", "--data", tmp_path, "--json"))["nothing_shown"]["of"] == 0
        for outcome in ("failure", "success"):
            await fleet.submit(TASK, outcome=outcome, agent="bob", receipt=receipt)
    found = json.loads(await run("report", "--data", tmp_path, "--json"))["nothing_shown"]
    assert (found["successes"], found["of"]) == (0, 1)


@pytest.mark.parametrize("suffix", ["png", "svg"])
async def test_the_learning_curve_is_drawn_in_the_format_of_its_suffix(data, tmp_path, suffix):
    picture = tmp_path / "deep" / f"curve.{suffix}"
    await run("report", "--data", data, "--picture", picture)
    assert picture.read_bytes()[:5] == {"png": b"\x89PNG\r", "svg": b"<?xml"}[suffix]


async def test_a_picture_of_another_format_is_wrong_usage(data, tmp_path):
    assert "must end in .png or .svg" in await run(
        "report", "--data", data, "--picture", tmp_path / "curve.gif", code=2
    )


async def test_without_matplotlib_a_picture_is_refused_with_what_to_install(data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingLibrary, match=r"Run: pip install 'fleetlore\[report\]'"):
        await run("report", "--data", data, "--picture", tmp_path / "curve.png")


async def test_an_empty_ledger_has_a_report_and_no_gaps(tmp_path):
    async with in_process(tmp_path) as fleet:
        await fleet.retrieve(TASK)
    assert (await run("report", "--data", tmp_path)).startswith("receipts: 1 given, 0 answered (0%)\n")
    assert (await run("gaps", "--data", tmp_path)).startswith("no gaps")


async def test_gaps_are_told_with_the_receipt_of_an_example(tmp_path):
    async with in_process(tmp_path) as fleet:
        for place in ("abroad", "at home", "again"):
            example = (await attempt(fleet, f"card payment declined {place}", "failure"))["receipt"]
    [gap] = json.loads(await run("gaps", "--data", tmp_path, "--json"))["gaps"]
    assert (gap["name"], gap["failures"], gap["example"]) == ("card, declined, payment", 3, example)
    assert f"3 tasks, 3 failed: card, declined, payment (as in {example})" in await run("gaps", "--data", tmp_path)
    assert "task: card payment declined again" in await run("why", example, "--data", tmp_path)


async def test_why_tells_what_was_shown_and_which_state_led_to_what(tmp_path):
    async with in_process(tmp_path) as fleet:
        item = await fleet.teach(LESSON, task=TASK)
        receipt = (await attempt(fleet, TASK, "success"))["receipt"]
    found = json.loads(await run("why", receipt, "--data", tmp_path, "--json"))
    assert (found["agent"], found["mode"], found["held_out"], found["task"]) == ("bob", "verify", False, TASK)
    assert [(shown["item"], shown["insight"]) for shown in found["shown"]] == [(item, LESSON)]
    assert [report["outcome"] for report in found["reports"]] == ["success"]
    text = await run("why", receipt, "--data", tmp_path)
    assert f"because {item}, the best, is provisional: verify" in text
    assert f"expected success: {found['expected']}; weight of evidence: " in text
    assert f"1. {item} score " in text


async def test_why_tells_that_knowledge_was_held_back(data):
    async with in_process(data, hold_out=1.0) as fleet:
        receipt = (await fleet.retrieve(TASK))["receipt"]
    lines = (await run("why", receipt, "--data", data)).splitlines()
    assert "mode: explore, knowledge held back" in lines
    assert "  because held out: explore" in lines
    assert lines[-4:-2] == ["shown: 0 items, of 1 near", "near, but not shown:"]
    assert lines[-2].endswith(f"“{LESSON}”")
    assert lines[-1] == "report: none yet"


async def test_why_refuses_a_receipt_that_was_never_given(data):
    with pytest.raises(Refusal, match="there is no receipt r_x"):
        await run("why", "r_x", "--data", data)


@pytest.mark.parametrize("command", [["gaps"], ["report"], ["why", "r_x"]])
async def test_a_folder_without_data_is_refused(tmp_path, command):
    with pytest.raises(DataDirectoryUnusable, match="there is no fleetlore data in it yet"):
        await run(*command, "--data", tmp_path)


@pytest.mark.parametrize("share", ["-0.1", "1.5", "much"])
async def test_serving_with_an_impossible_share_is_wrong_usage(tmp_path, share):
    assert "--hold-out" in await run("serve", "--data", tmp_path, "--hold-out", share, code=2)


async def test_what_was_only_seen_is_counted_and_told_apart(data):
    async with in_process(data) as fleet:
        receipt = (await fleet.retrieve(TASK, agent="carl"))["receipt"]
    await run("hook", "report", "--data", data, "--receipt", receipt, "--implicit", "tests-failed")
    found = json.loads(await run("report", "--data", data, "--json"))
    assert (found["receipts"], found["answered"], found["implicit_only"]) == (17, 15, 1)
    assert found["first_outcomes"] == {"count": 16, "implicit": 1}
    lines = (await run("report", "--data", data)).splitlines()
    assert lines[:2] == [
        "receipts: 17 given, 15 answered (88%), 1 more with an implicit outcome only",
        "implicit: 1 of 16 first outcomes were seen by hooks and not reported by the agent",
    ]
    status = json.loads(await run("status", "--data", data, "--json"))
    assert status["receipts"] == {"given": 17, "answered": 15, "implicit_only": 1}
    [seen, none, _] = (await run("why", receipt, "--data", data)).splitlines()[-3:]
    assert seen.startswith("seen: f_")
    assert (seen.endswith(": failure (implicit: tests failed)"), none) == (True, "report: none yet")
