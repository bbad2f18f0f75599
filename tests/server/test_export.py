"""`fleetlore export`: what leaves a store enters another whole, and the best of it goes into `AGENTS.md`."""

import json
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange import decided, imported, items, run
from fleet import COMMAND, in_process, slept
from fleetlore.kmu.suspicion import flags_of
from fleetlore.storage.errors import FileRefused

TASK = "rotate the signing keys of the payment gateway"
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
NOW = datetime(2026, 11, 1, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    working = tmp_path / "project"
    working.mkdir()
    monkeypatch.chdir(working)
    return working


async def a_history(data):
    """Lessons that were borne out, contradicted, replaced, merged, pruned and brought back, and agents' own."""
    async with in_process(data, project="acme/billing") as fleet:
        good = await fleet.teach("Keep the old key for a day\nand log its use", task=TASK, tags=["keys", "ci"])
        bad = await fleet.teach("Restart the gateway at once", task=TASK, project="acme/other")
        await fleet.teach("Keep an old key for the day and log its use", task=TASK, agent="bob")
        for agent in ("bob", "cleo", "dan"):
            receipt = (await fleet.retrieve(TASK, agent=agent))["receipt"]
            await fleet.submit(
                TASK,
                outcome="success",
                agent=agent,
                receipt=receipt,
                helpful=[good],
                harmful=[bad],
                reasoning=f"{agent} saw „traffic“ drop",
                insight="Wait until the caches are warm 🔥" if agent == "dan" else "",
            )
        receipt = (await fleet.retrieve(TASK, agent="bob"))["receipt"]
        await fleet.submit(
            TASK, outcome="success", agent="bob", receipt=receipt, replaces=[bad], insight="Reload the gateway instead"
        )
        await fleet.submit(TASK, outcome="observation", agent="cleo", insight="signing: ed25519")
        await fleet.submit(TASK, outcome="observation", agent="dan", insight="signing: rsa")
        gone = await fleet.teach("Page the person on call", task=TASK)
        plan = (await fleet.call("prune", ids=[gone], reason="no", apply=True))["plan"]
        await fleet.submit(TASK, outcome="success", agent="dan", insight="Page the person on call")
        lost = await fleet.teach("Use the red button", task=TASK)
        await fleet.call("prune", ids=[lost], reason="no", apply=True)
        for agent in ("ana", "bob"):
            await fleet.submit(
                TASK,
                outcome="success",
                agent=agent,
                space="prompt",
                task_type="rotation",
                insight=f"{agent} goes slowly",
            )
        assert plan
    await slept(data)


async def evidence(data, ids):
    async with in_process(data) as fleet:
        found = [await fleet.resource(f"fleetlore://item/{item}") for item in ids]
    for item in found:
        for verdict in item["verdicts"]:
            verdict.pop("sentences", None)  # only the reasoning travels, not what was made of it
    names = ("status", "support", "contradiction", "agents", "projects", "conflicts_with", "verdicts")
    return [{name: item[name] for name in names} for item in found]


async def test_a_history_exported_imported_elsewhere_and_exported_there_is_the_same_to_the_byte(data, folder, tmp_path):
    await a_history(data)
    first = await run("export", "--data", data, "--agent", "ana")
    assert first == await run("export", "--data", data, "--agent", "ana")
    (folder / "all.jsonl").write_bytes(first)
    elsewhere = tmp_path / "elsewhere"
    assert {line["decision"] for line in (await imported(elsewhere, "all.jsonl"))["lines"]} == {"new"}
    assert await run("export", "--data", elsewhere, "--agent", "ana") == first

    lines = [json.loads(line) for line in first.decode().split("\n") if line]
    said = {line["insight"] for line in lines}
    assert {"ana goes slowly", "Reload the gateway instead", "Restart the gateway at once"} <= said
    assert not {"bob goes slowly", "Use the red button", "Keep an old key for the day and log its use"} & said
    assert [bool(line["superseded_by"]) for line in lines if line["insight"].startswith("Restart")] == [True]
    assert [bool(line["borne_out_from"]) for line in lines if line["insight"].startswith("Page")] == [True]
    assert sum(len(line["conflicts_with"]) for line in lines) == 4
    general = [line["id"] for line in lines if line["space"] == "general"]
    assert await evidence(elsewhere, general) == await evidence(data, general)
    async with in_process(elsewhere) as fleet:
        found = (await fleet.retrieve(TASK, agent="eve", project="acme/billing"))["items"]
    best = next(item for item in found if item["insight"].startswith("Keep the old key"))
    assert "status" not in best  # it is active
    assert {decision for _, decision, _ in await decided(elsewhere, "all.jsonl")} == {"known"}


async def test_what_reports_said_is_exported_when_the_reports_themselves_were_erased(data, folder, tmp_path):
    await a_history(data)
    with sqlite3.connect(data / "ledger.sqlite") as ledger:
        ledger.execute("DELETE FROM feedback")
    ledger.close()
    lines = await run("export", "--data", data)
    found = [json.loads(line) for line in lines.splitlines()]
    assert {one["id"] for line in found for one in line["reports"]} >= {
        verdict["report"] for line in found for verdict in line["verdicts"]
    }
    (folder / "fleet.jsonl").write_bytes(lines)
    there = await imported(tmp_path / "there", "fleet.jsonl")
    assert {line["decision"] for line in there["lines"]} == {"new"}


async def test_an_export_takes_what_it_is_asked_for_and_a_superseded_item_only_beside_its_successor(data):
    await a_history(data)
    everything = await items(data)
    assert [item["id"] for item in everything] == sorted(item["id"] for item in everything)
    assert {item["insight"] for item in await items(data, "--tag", "ci", "--tag", "keys")} == {
        "Keep the old key for a day\nand log its use"
    }
    assert {item["space"] for item in await items(data, "--space", "prompt")} == {"prompt"}
    # It was replaced by a lesson of another project.
    assert await items(data, "--project", "acme/other") == []
    assert not any("goes slowly" in item["insight"] for item in await items(data, "--agent", "eve"))


def identified(prefix, number):
    digits = [ALPHABET[(number >> shift) & 31] for shift in range(95, -1, -5)]
    return f"{prefix}_{''.join(digits)}"


AGENTS = st.sampled_from(["ana", "bob", "cleo.x", "dan@host"])
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12)
MOMENTS = st.integers(0, 10**12).map(
    lambda micros: (NOW + timedelta(microseconds=micros)).isoformat(timespec="microseconds")
)


@st.composite
def exports(draw):
    """Lines as an export writes them, of items that supersede and contradict each other."""
    count = draw(st.integers(1, 5))
    ids = [identified("k", (number << 60) + draw(st.integers(0, 2**40))) for number in range(1, count + 1)]
    conflicts = {item: set() for item in ids}
    lines = []
    for number, item in enumerate(ids):
        own = draw(st.booleans()) and draw(st.booleans())
        reports = [
            {
                "id": identified("f", (number << 60) + (place << 50) + 1),
                "agent": "ana" if own else draw(AGENTS),
                "at": draw(MOMENTS),
                "outcome": draw(st.sampled_from(["success", "failure", "observation"])),
                "implicit": draw(st.sampled_from(["", "", "tests-failed"])),
                "reasoning": "" if own else draw(TEXTS),
            }
            for place in range(draw(st.integers(1, 4)))
        ]
        sources = draw(st.lists(st.integers(0, 2**60), min_size=len(reports), max_size=len(reports), unique=True))
        verdicts = [
            {
                "report": report["id"],
                "source": draw(st.sampled_from([identified("r", source), f"agent:{place}"])),
                "project": draw(NAMES),
                "sign": draw(st.sampled_from([-1, 1])),
                "named": draw(st.booleans()),
                "delta": draw(st.floats(-10, 10).map(lambda delta: delta + 0.0)),
            }
            for place, (report, source) in enumerate(zip(reports, sources, strict=True))
        ]
        at = {report["id"]: report["at"] for report in reports}
        author = reports[0]["agent"]
        backed = any(
            v["sign"] > 0 and v["named"] and r["agent"] != author for v, r in zip(verdicts, reports, strict=True)
        )
        created, updated = sorted((draw(MOMENTS), draw(MOMENTS)))
        lines.append(
            {
                "fleetlore": 1,
                "id": item,
                "space": "prompt" if own else "general",
                "owner": "ana" if own else "",
                "kind": draw(st.sampled_from(["do", "avoid", "fact"])),
                "insight": f"{number} {draw(TEXTS)}",
                "applies_when": draw(TEXTS),
                "task_type": draw(NAMES),
                "project": draw(NAMES),
                "tags": draw(st.lists(NAMES.filter(bool), max_size=3)),
                "author": author,
                "created_at": created,
                "updated_at": updated,
                "stage": "active" if own or (backed and draw(st.booleans())) else "provisional",
                "trust": draw(st.floats(0.01, 0.99)),
                "borne_out_from": draw(st.none() | MOMENTS),
                "superseded_by": None,
                "conflicts_with": [],
                "origin": reports[0]["id"],
                "reports": reports,
                "verdicts": sorted(verdicts, key=lambda verdict: (at[verdict["report"]], verdict["source"])),
                "blames": draw(st.sampled_from([[], [reports[-1]["id"]]])),
            }
        )
    for number, line in enumerate(lines):
        later = [other for other in lines[number + 1 :] if other["space"] == line["space"]]
        if later and draw(st.booleans()):
            line["superseded_by"] = draw(st.sampled_from(later))["id"]
        if later and draw(st.booleans()):
            other = draw(st.sampled_from(later))["id"]
            conflicts[line["id"]].add(other)
            conflicts[other].add(line["id"])
    for line in lines:
        line["conflicts_with"] = sorted(conflicts[line["id"]])
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=exports())
def test_whatever_an_export_holds_comes_out_of_another_store_as_it_went_in_but_for_what_is_held(text, tmp_path_factory):
    async def there_and_back():
        store = tmp_path_factory.mktemp("store")
        (store / "in.jsonl").write_text(text, "utf-8", newline="")
        told = await imported(store / "data", store / "in.jsonl")
        assert [line["because"] for line in told["lines"] if line["decision"] != "new"] == []
        assert (await run("export", "--data", store / "data", "--agent", "ana")).decode() == held(text)

    anyio.run(there_and_back)


def held(text):
    """The lines of an export, of which those are provisional now that a person has to look at."""
    lines = [json.loads(line) for line in text.split("\n") if line]
    for line in lines:
        shown = (line[name] for name in ("insight", "applies_when", "task_type", "project"))
        if flags_of(*shown, *line["tags"]):
            line["stage"] = "provisional"
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def a_line(number=1, **changes):
    """A line as an export writes it, with changes."""
    report = identified("f", number + (1 << 60))
    at = NOW.isoformat(timespec="microseconds")
    line = {
        "fleetlore": 1, "id": identified("k", number + (1 << 60)), "space": "general", "owner": "", "kind": "do",
        "insight": f"Check valve {number}", "applies_when": "at the boiler", "task_type": "", "project": "", "tags": [],
        "author": "bob", "created_at": at, "updated_at": at, "stage": "provisional", "trust": 0.65,
        "borne_out_from": None, "superseded_by": None, "conflicts_with": [], "origin": report,
        "reports": [{"id": report, "agent": "bob", "at": at, "outcome": "success", "implicit": "", "reasoning": ""}],
        "verdicts": [{"report": report, "source": "agent:bob", "project": "", "sign": 1, "named": True, "delta": 0.0}],
        "blames": [],
    }  # fmt: skip
    return line | changes


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"trust": 1.5}, "trust is not what an export writes there"),
        ({"trust": "0.5"}, "trust is not what an export writes there"),
        ({"id": "k_1"}, "id is not what an export writes there"),
        ({"fleetlore": 2}, "it is of format 2 and this fleetlore reads 1: upgrade this fleetlore"),
        ({"fleetlore": True}, 'its format is unknown: a line of an export says "fleetlore": 1'),
        ({"created_at": 0}, "created_at is not what an export writes there"),
        ({"created_at": "2026-11-01T00:00:00"}, "created_at is not what an export writes there"),
        ({"created_at": "2027-11-01T00:00:00Z"}, "it was updated before it was created"),
        ({"password": "x"}, "password is no field of an export"),
        ({"insight": "…"}, "insight is not what an export writes there"),
        ({"author": "eve"}, "its author did not make the report that it came with"),
        ({"stage": "active"}, "it is active, and no agent but its author backs it"),
        ({"space": "prompt"}, "owner is the agent whose own item it is, and empty in the general space"),
        (
            {"space": "prompt", "owner": "bob"},
            "it is bob's own, and nobody else may have it: import it with --agent bob",
        ),
        ({"superseded_by": a_line()["id"]}, "it cannot supersede or contradict itself"),
        ({"verdicts": a_line()["verdicts"] * 2}, "two of its verdicts have the same source"),
        ({"blames": [identified("f", 5)]}, f"it names the report {identified('f', 5)}, which is not among its reports"),
    ],
)
async def test_a_line_that_no_export_can_have_written_is_refused_and_the_others_are_taken(
    data, folder, changes, problem
):
    lines = [a_line(**changes), a_line(2), {"fleetlore": 1}]
    (folder / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert await decided(data, "in.jsonl") == [
        (1, "refused", problem),
        (2, "new", ""),
        (3, "refused", "id is missing: every line of an export has it"),
    ]


async def test_what_is_known_by_its_id_or_its_words_stays_as_it_is_and_stands_in_for_what_comes(data, folder):
    (folder / "first.jsonl").write_text(json.dumps(a_line(1)) + "\n" + json.dumps(a_line(2)) + "\n")
    await imported(data, "first.jsonl")
    before = await items(data)
    same_words = a_line(7, insight="check valve 2!")
    lines = [a_line(1, trust=0.9), a_line(6, superseded_by=same_words["id"]), same_words, a_line(8), a_line(8)]
    lines += [a_line(5, superseded_by=a_line(9)["id"]), a_line(9, insight="check valve 8")]
    (folder / "second.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert await decided(data, "second.jsonl") == [
        (1, "known", ""),
        (2, "new", ""),
        (3, "known", ""),
        (4, "new", ""),
        (5, "twice", "the same as second.jsonl:4"),
        (6, "new", ""),
        (7, "known", ""),
    ]
    after = {item["id"]: item for item in await items(data)}
    assert [after[item["id"]] for item in before] == before
    assert [after[a_line(number)["id"]]["superseded_by"] for number in (5, 6)] == [a_line(8)["id"], a_line(2)["id"]]


async def test_a_forged_line_can_neither_speak_of_anothers_own_item_nor_put_words_into_a_report(data, folder):
    async with in_process(data) as fleet:
        own = await fleet.teach("Bob goes slowly", space="prompt", task_type="t", agent="bob")
        shared = await fleet.teach("All go slowly", agent="bob")
    [origin] = [item["origin"] for item in await items(data) if item["id"] == shared]
    stolen = a_line(3)
    stolen["reports"][0]["id"] = stolen["verdicts"][0]["report"] = stolen["origin"] = origin
    lines = [a_line(1, superseded_by=own), a_line(2, conflicts_with=[own]), stolen, a_line(4, id=own)]
    (folder / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    elsewhere = f"{own} is an item of another space here"
    assert await decided(data, "in.jsonl") == [
        (1, "refused", elsewhere),
        (2, "refused", elsewhere),
        (3, "refused", f"the report {origin} says something else here"),
        (4, "refused", elsewhere),
    ]


async def test_what_names_an_item_that_becomes_anothers_own_later_does_not_speak_of_it(data, folder):
    own = a_line(3, space="prompt", owner="bob", task_type="rotation")
    lines = [a_line(1, superseded_by=own["id"]), a_line(2, conflicts_with=[own["id"]])]
    (folder / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "own.jsonl").write_text(json.dumps(own) + "\n")
    assert [decision for _, decision, _ in await decided(data, "in.jsonl")] == ["new", "new"]
    assert [line["decision"] for line in (await imported(data, "own.jsonl", "--agent", "bob"))["lines"]] == ["new"]
    async with in_process(data, agent="bob") as fleet:
        found = [await fleet.resource(f"fleetlore://item/{line['id']}") for line in (*lines, own)]
    assert [(item["status"], item["superseded_by"], item["conflicts_with"]) for item in found] == [
        ("provisional", None, [])
    ] * 3


async def test_the_words_of_a_report_on_an_own_item_are_exported_to_nobody(data):
    async with in_process(data) as fleet:
        shared = await fleet.teach("All go slowly", task=TASK, agent="ana")
        receipt = (await fleet.retrieve(TASK, agent="bob"))["receipt"]
        await fleet.submit(
            TASK,
            outcome="success",
            reasoning="As bob alone knows.",
            insight="Bob goes slowly",
            space="prompt",
            receipt=receipt,
            helpful=[shared],
            agent="bob",
        )
        shown = await fleet.resource(f"fleetlore://item/{shared}")
    assert (shown["support"], [verdict["sentences"] for verdict in shown["verdicts"]]) == (2, [[], []])
    for agent in ("ana", "bob"):
        lines = await items(data, "--agent", agent)
        assert [report["reasoning"] for line in lines for report in line["reports"] if report["reasoning"]] == []
        assert [line["insight"] for line in lines] == ["All go slowly", "Bob goes slowly"][: 1 + (agent == "bob")]


def killed_after_its_first_line(data):
    command = [*COMMAND, "import", "in.jsonl", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"in.jsonl:1: new ")
        process.kill()


async def test_an_import_that_is_killed_loses_nothing_that_it_told_and_the_next_finishes_it(data, folder):
    text = "".join(json.dumps(a_line(number), ensure_ascii=False) + "\n" for number in range(600))
    (folder / "in.jsonl").write_text(text)
    await anyio.to_thread.run_sync(killed_after_its_first_line, data)
    decisions = [decision for _, decision, _ in await decided(data, "in.jsonl")]
    assert (decisions[0], set(decisions)) in [("known", {"known"}), ("known", {"known", "new"})]
    assert (await run("export", "--data", data)).decode() == text
    async with in_process(data) as fleet:
        found = (await fleet.retrieve("valve 1 at the boiler"))["items"]
        assert found[0]["insight"] == "Check valve 1"


async def test_an_import_that_is_taken_back_is_gone_and_comes_back_as_it_was(data, folder):
    (folder / "in.jsonl").write_text(json.dumps(a_line(1)) + "\n" + json.dumps(a_line(2)) + "\n")
    [plan] = (await imported(data, "in.jsonl"))["plans"]
    before = await items(data)
    await run("undo", plan, "--data", data)
    assert await items(data) == []
    assert await decided(data, "in.jsonl") == [(1, "new", "it is back"), (2, "new", "it is back")]
    assert await items(data) == before


# The block in AGENTS.md


async def test_the_best_lessons_go_into_a_block_and_importing_the_file_passes_it_by(data, folder):
    await a_history(data)
    rules = b"# Rules\r\n\r\n- Keep to this one rule\r\n"
    file = folder / "AGENTS.md"
    file.write_bytes(rules)
    await run("export", file, "--data", data, "--project", "acme/billing")
    put = file.read_bytes()
    assert put.startswith(rules + b"\r\n<!-- fleetlore:lessons begin -->\r\n")
    block = put[len(rules) :].decode()
    assert "### Borne out by several agents" in block
    assert "Keep the old key for a day and log its use (when: rotate the signing keys" in block
    assert not any(other in block for other in ("Restart the gateway", "goes slowly", "signing: rsa"))
    await run("export", file, "--data", data, "--project", "acme/billing")
    assert file.read_bytes() == put
    told = await imported(data, "AGENTS.md")
    assert [(line["line"], line["decision"]) for line in told["lines"]][-1] == (3, "new")
    assert (told["totals"]["new"], told["totals"]["skipped"]) == (1, 1)
    printed = (await run("export", "--format", "agents-md", "--data", data, "--project", "acme/billing")).decode()
    assert printed.startswith("<!-- fleetlore:lessons begin -->\n")


async def test_the_block_keeps_to_its_budget_and_a_damaged_one_is_left_alone(data, folder):
    await a_history(data)
    for tokens in (100, 150, 300):
        line = ("export", "--format", "agents-md", "--data", data, "--project", "acme/billing", "--max-tokens", tokens)
        assert len((await run(*line)).decode()) <= 4 * tokens
    file = folder / "AGENTS.md"
    damaged = b"- mine\n<!-- fleetlore:lessons begin -->\n- yours\n"
    file.write_bytes(damaged)
    with pytest.raises(FileRefused, match="line 2: the marker"):
        await run("export", file, "--data", data)
    assert file.read_bytes() == damaged


async def test_an_export_replaces_an_export_and_nothing_else(data, folder):
    (folder / "in.jsonl").write_text(json.dumps(a_line(1)) + "\n")
    await imported(data, "in.jsonl")
    for name in ("in.jsonl", "new.jsonl"):
        await run("export", name, "--data", data)
        assert (folder / name).read_text() == json.dumps(a_line(1)) + "\n"
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(FileRefused, match="is no export"):
        await run("export", "mine.txt", "--data", data)
    assert (folder / "mine.txt").read_text() == "mine"
    with pytest.raises(FileRefused, match="cannot be written"):
        await run("export", folder / "no" / "where.jsonl", "--data", data)
    assert sorted(path.name for path in folder.iterdir()) == ["in.jsonl", "mine.txt", "new.jsonl"]
