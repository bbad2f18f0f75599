"""`fleetlore edit`: a person words an item anew; its evidence stays, nothing is lost, everything can be taken back."""

import re
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import anyio
import click
import pytest
from click.testing import CliRunner
from command import run, told
from hypothesis import given
from hypothesis import strategies as st

from fleet import COMMAND, in_process
from fleetlore.server.cli import commands
from fleetlore.server.people.wording_file import read_back, written
from fleetlore.storage.errors import FleetloreError, Refusal
from fleetlore.storage.identifiers import new_feedback_id, new_item_id
from fleetlore.storage.records import AgentName, Evidence, Item, Wording

TASK = "rotate the signing keys of the payment gateway"
OLD, NEW = "Keep the old key for a day", "Keep the old key for two days"


@pytest.fixture
async def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
async def item(data):
    """An item that ana told and bob bore out."""
    async with in_process(data, project="acme/billing") as fleet:
        item = await fleet.teach(OLD, task=TASK, agent="ana", tags=["keys"])
        receipt = (await fleet.retrieve(TASK, agent="bob"))["receipt"]
        await fleet.submit(
            TASK, outcome="success", agent="bob", receipt=receipt, helpful=[item], reasoning="it was needed"
        )
    return item


async def whole(data, item):
    """Everything about an item but its history."""
    return {name: value for name, value in (await told("show", item, "--data", data)).items() if name != "history"}


async def shown(data, task):
    async with in_process(data) as fleet:
        return [found["insight"] for found in (await fleet.retrieve(task, agent="zoe"))["items"]]


def editor(folder, *lines):
    """An editor that does this to the file that it is given, as `text`."""
    script = folder / "editor.py"
    script.write_text(
        "\n".join(
            (
                f"#!{sys.executable}",
                "import pathlib, subprocess, sys",
                "file = pathlib.Path(sys.argv[1])",
                "text = file.read_text('utf-8')",
                *lines,
                "file.write_text(text, 'utf-8')",
            )
        ),
        "utf-8",
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"EDITOR": str(script), "VISUAL": str(script)}


def kept_by(refusal):
    """The file that a refusal names."""
    return Path(re.search(r"Your text is kept: fleetlore edit k_\w+ --from (.*)\.$", str(refusal))[1])


async def test_an_edit_changes_the_words_and_keeps_the_evidence(data, item):
    before = await whole(data, item)
    made = await told("edit", item, "--insight", NEW, "--tag", "rotation", "--kind", "avoid", "--data", data)
    assert made["edit"] == {
        "insight": {"before": OLD, "after": NEW},
        "kind": {"before": "do", "after": "avoid"},
        "tags": {"before": ["keys"], "after": ["rotation"]},
    }
    after = await whole(data, item)
    changed = {"insight": NEW, "kind": "avoid", "tags": ["rotation"], "updated_at": after["updated_at"]}
    assert after == before | changed
    assert await shown(data, TASK) == [NEW]


async def test_agents_find_an_item_by_its_new_words_and_no_more_by_the_old(data, item):
    await run("edit", item, "--insight", "Zebra", "--applies-when", "feeding zebras", "--data", data)
    assert await shown(data, "feeding zebras") == ["Zebra"]
    assert await shown(data, TASK) == []


async def test_undo_gives_back_exactly_what_was_there(data, item):
    before = await whole(data, item)
    made = await told(
        "edit", item, "--insight", NEW, "--applies-when", "", "--task-type", "t", "--project", "p", "--data", data
    )
    undone = await told("undo", made["plan"], "--data", data)
    assert (undone["state"], undone["kind"], undone["edit"]) == ("undone", "edit", made["edit"])
    assert await whole(data, item) == before
    assert await shown(data, TASK) == [OLD]
    # What is called restored is left alone by consolidation for good.
    kinds = [event["kind"] for event in (await told("show", item, "--data", data))["history"]]
    assert kinds[-2:] == ["edited", "edit undone"]


async def test_undo_keeps_the_evidence_that_came_since(data, item):
    made = await told("edit", item, "--insight", NEW, "--data", data)
    async with in_process(data) as fleet:
        receipt = (await fleet.retrieve(TASK, agent="eve"))["receipt"]
        await fleet.submit(TASK, outcome="success", agent="eve", receipt=receipt, helpful=[item])
    await run("undo", made["plan"], "--data", data)
    after = await whole(data, item)
    assert (after["insight"], after["support"], after["agents"]) == (OLD, 3, 3)


async def test_an_edit_that_was_edited_again_is_undone_last(data, item):
    first = await told("edit", item, "--insight", NEW, "--data", data)
    second = await told("edit", item, "--insight", "Keep it for three days", "--data", data)
    with pytest.raises(Refusal, match=f"edited again since. Undo that first: fleetlore undo {second['plan']}"):
        await run("undo", first["plan"], "--data", data)
    await run("undo", second["plan"], "--data", data)
    await run("undo", first["plan"], "--data", data)
    assert (await whole(data, item))["insight"] == OLD


async def test_the_words_of_another_item_are_refused(data, item):
    async with in_process(data) as fleet:
        other = await fleet.teach("Ask the bank first", task=TASK)
    for words in ("ask the bank first!", "Please ask the bank first"):  # the same words, and the same gist
        with pytest.raises(Refusal, match=f"insight: {other} says the same where the same applies"):
            await run("edit", item, "--insight", words, "--data", data)
    await run("prune", other, "--reason", "test", "--apply", "--data", data)
    with pytest.raises(Refusal, match=r"was pruned. Use other words, or bring it back: fleetlore undo p_"):
        await run("edit", item, "--insight", "Ask the bank first", "--data", data)
    assert await shown(data, TASK) == [OLD]


async def test_an_edit_is_not_undone_where_its_old_words_belong_to_another_by_now(data, item):
    made = await told("edit", item, "--insight", NEW, "--data", data)
    async with in_process(data) as fleet:
        other = await fleet.teach(OLD, task=TASK)
    with pytest.raises(Refusal, match=f"plan: {other} says the same where the same applies"):
        await run("undo", made["plan"], "--data", data)
    assert sorted(await shown(data, TASK)) == sorted([OLD, NEW])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--insight", "  "], "insight: it is empty. To forget the item: fleetlore prune k_"),
        (["--insight", "…"], "insight: it has no words"),
        (["--insight", "x" * 4_001], "insight: it has 4,001 characters"),
        (["--tag", "a\nb"], "tags: an entry has line breaks"),
        ([], "there is no terminal to edit at. Give --insight"),
    ],
)
async def test_what_cannot_be_is_refused(data, item, arguments, sentence, monkeypatch):
    for name in ("EDITOR", "VISUAL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Refusal, match=sentence):
        await run("edit", item, *arguments, "--data", data)
    assert (await whole(data, item))["insight"] == OLD


async def test_only_its_owner_edits_an_agents_own_item(data):
    async with in_process(data) as fleet:
        own = await fleet.teach(OLD, task=TASK, space="prompt", task_type="ops", agent="bob")
    with pytest.raises(Refusal, match=f"there is no item {own}"):
        await run("edit", own, "--insight", NEW, "--agent", "ana", "--data", data)
    made = await told("edit", own, "--insight", NEW, "--agent", "bob", "--data", data)
    assert made["acts"][0]["insight"] == NEW
    told_to_ana = await told("show", made["plan"], "--agent", "ana", "--data", data)
    assert "edit" not in told_to_ana
    assert (told_to_ana["reason"], told_to_ana["acts"][0]["insight"]) == ("", "")
    assert OLD not in str(await told("undo", made["plan"], "--data", data))


async def test_what_is_gone_says_what_to_do_instead(data, item):
    with pytest.raises(Refusal, match=r"there is no item k_x\. Ids of items look like"):
        await run("edit", "k_x", "--insight", NEW, "--data", data)
    pruned = await told("prune", item, "--reason", "test", "--apply", "--data", data)
    with pytest.raises(Refusal, match=f"was pruned. To bring it back first: fleetlore undo {pruned['plan']}"):
        await run("edit", item, "--insight", NEW, "--data", data)


async def test_a_person_edits_in_an_editor(data, item, tmp_path):
    environment = editor(tmp_path, "text = text.replace('a day', 'two days').replace('tags: keys', 'tags:')")
    text = await run("edit", item, "--data", data, **environment)
    assert f"insight: “{OLD}” → “{NEW}”" in text
    assert (await whole(data, item))["tags"] == []


@pytest.mark.parametrize("line", ["", "text += '\\n'", "text = text.replace('\\n', '\\r\\n')"])
async def test_a_text_that_says_the_same_changes_nothing(data, item, tmp_path, line):
    found = await told("edit", item, "--data", data, **editor(tmp_path, line))
    assert found == {"item": item, "changed": False}


async def test_of_two_terminals_the_second_is_refused_and_its_text_is_kept(data, item, tmp_path):
    other = [*COMMAND, "edit", item, "--insight", "Keep it for a week", "--agent", "ana", "--data", str(data)]
    environment = editor(
        tmp_path, f"subprocess.run({other!r}, check=True, capture_output=True)", "text = text.replace('a day', 'ever')"
    )
    with pytest.raises(Refusal, match=rf"ana changed {item} at .*, after you had read it") as refused:
        await run("edit", item, "--agent", "bob", "--data", data, **environment)
    assert (await whole(data, item))["insight"] == "Keep it for a week"
    kept = kept_by(refused.value)
    assert kept.parent == data / "edits"
    made = await told("edit", item, "--from", kept, "--agent", "bob", "--data", data)
    assert made["edit"] == {"insight": {"before": "Keep it for a week", "after": "Keep the old key for ever"}}


async def test_evidence_that_comes_while_somebody_edits_is_no_conflict(data, item, monkeypatch):
    line = ["add", OLD, "--applies-when", TASK, "--agent", "eve", "--data", str(data)]

    def edit(text, **_):
        assert CliRunner().invoke(commands, line).exit_code == 0
        return text.replace("a day", "ever")

    monkeypatch.setenv("EDITOR", "none")
    monkeypatch.setattr(click, "edit", edit)
    await run("edit", item, "--data", data)
    after = await whole(data, item)
    assert (after["insight"], after["support"]) == ("Keep the old key for ever", 3)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("text = text.replace('=== insight ===', '')", "the line === insight === is gone"),
        ("text = text.replace('kind: do', 'kind: perhaps')", "kind: 'perhaps' is not known"),
        ("text = text.replace('kind: do', 'kind: auto')", "kind: 'auto' is not known"),
        ("text = text.replace('kind: do', 'kind:')", "kind: it is required"),
        ("text = text.replace('tags:', 'colour:')", "the line 'colour: keys' says nothing that is known"),
        ("text = text.replace('project: acme/billing\\n', '')", "the line “project:” is gone"),
        (f"text = text.replace({OLD!r}, '')", "insight: it is empty"),
    ],
)
async def test_a_text_that_cannot_be_used_is_kept_as_well(data, item, tmp_path, lines, sentence):
    with pytest.raises(Refusal, match=sentence) as refused:
        await run("edit", item, "--data", data, **editor(tmp_path, lines))
    assert await anyio.Path(kept_by(refused.value)).exists()
    assert (await whole(data, item))["insight"] == OLD


async def test_a_text_from_a_file_stays_there_and_must_be_utf_8(data, item, tmp_path):
    file = anyio.Path(tmp_path / "my text.md")
    await file.write_bytes("kind: do\nMüll".encode("latin-1"))
    with pytest.raises(Refusal, match="text: it is not in UTF-8"):
        await run("edit", item, "--from", file, "--data", data)
    await file.write_text("kind: do\n")
    with pytest.raises(Refusal, match=rf"Your text is kept: fleetlore edit {item} --from '.*my text\.md'\.$"):
        await run("edit", item, "--from", file, "--data", data)


async def test_a_text_that_an_editor_saved_in_another_encoding_is_kept(data, item, tmp_path):
    environment = editor(tmp_path, "file.write_bytes('Müll'.encode('latin-1'))", "sys.exit()")
    with pytest.raises(Refusal, match="text: it is not in UTF-8") as refused:
        await run("edit", item, "--data", data, **environment)
    assert await anyio.Path(kept_by(refused.value)).read_bytes() == "Müll".encode("latin-1")


async def test_a_text_from_a_file_may_begin_with_a_byte_order_mark(data, item, tmp_path):
    file = anyio.Path(tmp_path / "text.md")
    text = f"kind: do\ntags:\ntask type:\nproject:\n=== insight ===\n{NEW}\n=== applies when ===\n\n"
    await file.write_bytes(text.encode("utf-8-sig"))
    assert (await told("edit", item, "--from", file, "--data", data))["changed"]
    assert (await whole(data, item))["insight"] == NEW


async def test_an_editor_that_does_not_run_is_refused_with_what_to_do(data, item):
    for name in ("no-such-editor", "false"):
        with pytest.raises(Refusal, match=rf"^editor: {name}: .*Name one that runs in \$VISUAL or \$EDITOR"):
            await run("edit", item, "--data", data, EDITOR=name, VISUAL=name)


async def test_what_was_written_in_an_editor_outlives_a_fault_of_the_store(data, item, tmp_path):
    environment = editor(
        tmp_path,
        "text = text.replace('a day', 'ever')",
        f"(pathlib.Path({str(data)!r}) / 'ledger.sqlite').rename({str(data / 'gone')!r})",
        f"(pathlib.Path({str(data)!r}) / 'ledger.sqlite').write_text('no ledger')",
    )
    with pytest.raises(FleetloreError):
        await run("edit", item, "--data", data, **environment)
    assert "ever" in await anyio.Path(data / "edits" / f"{item}-1.md").read_text()


_LINES = st.text(st.characters(exclude_characters="\r", exclude_categories=("Cs",)), max_size=80).filter(
    lambda text: "===" not in text
)
_NAMES = st.text(st.characters(categories=("L", "N", "P", "Zs", "S")), max_size=20)


@given(
    st.builds(
        Wording,
        insight=_LINES,
        applies_when=_LINES,
        kind=st.sampled_from(["do", "avoid", "fact"]),
        task_type=_NAMES,
        project=_NAMES,
        tags=st.lists(_NAMES.filter(bool), max_size=3, unique=True).map(tuple),
    )
)
def test_a_text_that_was_not_changed_says_what_was_there(wording):
    now = datetime.now(UTC)
    item = Item(
        id=new_item_id(now),
        space="general",
        owner="",
        author=AgentName("ana"),
        feedback=new_feedback_id(now),
        digest="",
        condition="",
        lesson="",
        slot="",
        stage="active",
        evidence=Evidence(trust=0.5),
        created_at=now,
        updated_at=now,
        **{name: getattr(wording, name) for name in Wording.__slots__},
    )
    assert Wording(**read_back(written(item), wording)) == wording
