"""What is kept can be proven, copied and put back: `check`, `backup`, `restore`, `rebuild`, on real files."""

import shutil
import sqlite3
from contextlib import closing

import anyio
import pytest
from command import finished, run, told
from damage import damage
from killing import killed_at, suspended_at

from fleet import in_process, unit_over
from fleetlore.storage.copying import put_back
from fleetlore.storage.errors import DataDirectoryUnusable, FileRefused, Refusal, StorageBusy
from fleetlore.storage.ledger import LEDGER_FILE
from fleetlore.storage.queries import SCHEMA
from fleetlore.storage.reconciliation import take_in

TASK = "rotate the signing keys"
LESSON = "Keep both keys for a week"
LATER = "Announce the new key a day before"


async def _lessons(fleet):
    return sorted(item["insight"] for item in (await fleet.retrieve(TASK, agent="reader"))["items"])


async def _kept_in(data):
    async with in_process(data) as fleet:
        return await _lessons(fleet)


async def _states(data, code=0):
    result = await finished("check", "--data", data, code=code)
    return [line for line in result.stdout.splitlines() if line.startswith("XX")], result.stdout


async def _is_whole(data):
    assert (await _states(data))[0] == []


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data directory with a lesson, and a backup of it."""
    folder = tmp_path_factory.mktemp("made")

    async def make():
        async with in_process(folder / "data") as fleet:
            await fleet.teach(LESSON, task=TASK)
        async with unit_over(folder / "data") as unit:
            await take_in(unit.ledger, unit.spaces)
        await run("backup", folder / "backup.sqlite", "--data", folder / "data")

    anyio.run(make)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A copy of the same for one test."""
    return shutil.copytree(made, tmp_path / "copy")


async def test_what_is_whole_is_told_to_be(folder):
    found = await told("check", "--data", folder / "data")
    assert [(one["subject"], one["state"], one["seen"]) for one in found] == [
        ("ledger", "ok", "every page is whole"),
        ("events", "ok", "2 events and 2 texts as recorded"),
        ("general space", "ok", "1 row, all as the ledger says"),
        ("prompt space", "ok", "0 rows, all as the ledger says"),
    ]


@pytest.mark.parametrize("how", ["zeroed", "torn", "missing"])
@pytest.mark.parametrize("part", ["data", "_versions", "_indices"])
async def test_broken_files_of_the_spaces_are_found_and_a_rebuild_mends_them(folder, part, how):
    for file in (folder / "data" / "spaces" / "general_1.lance" / part).rglob("*"):
        if file.is_file():
            damage(file, how)
    wrong, said = await _states(folder / "data", code=1)
    assert len(wrong) == 1, said
    assert "space" in wrong[0]
    assert "fleetlore rebuild" in said
    await run("rebuild", "--data", folder / "data")
    await _is_whole(folder / "data")
    assert await _kept_in(folder / "data") == [LESSON]


async def test_spaces_that_vanished_are_found_and_a_rebuild_makes_them(folder):
    shutil.rmtree(folder / "data" / "spaces")
    wrong, _ = await _states(folder / "data", code=1)
    assert len(wrong) == 1
    await run("rebuild", "--data", folder / "data")
    await _is_whole(folder / "data")


async def test_spaces_that_no_server_has_made_yet_are_well_and_the_next_makes_them(tmp_path):
    await run("add", "Restart the gateway after the keys", "--data", tmp_path)
    assert "there are none yet" in await run("check", "--data", tmp_path)
    async with in_process(tmp_path) as fleet:
        assert len((await fleet.retrieve("restart the gateway"))["items"]) == 1
    assert "1 row, all as the ledger says" in await run("check", "--data", tmp_path)


async def test_rows_that_say_something_else_than_the_ledger_are_named(folder):
    shutil.rmtree(folder / "data" / "spaces")
    await run("rebuild", "--data", folder / "data")
    with closing(sqlite3.connect(folder / "data" / LEDGER_FILE)) as ledger:
        ledger.execute("DROP TRIGGER row_reworded")  # as if nobody had written it down
        ledger.execute("UPDATE contents SET body = replace(body, 'week', 'year') WHERE id LIKE 'k_%'")
        ledger.commit()
    wrong, said = await _states(folder / "data", code=1)
    assert ["texts" in wrong[0], "1 say something else (k_" in wrong[1]] == [True, True], said


@pytest.mark.parametrize("how", ["zeroed", "torn", "missing"])
async def test_a_broken_ledger_is_found_and_a_backup_takes_its_place(folder, how):
    ledger = folder / "data" / LEDGER_FILE
    damage(ledger, how)
    _, said = await _states(folder / "data", code=1)
    assert "fleetlore restore FILE" in said
    found = await told("restore", folder / "backup.sqlite", "--yes", "--data", folder / "data")
    assert (found["items"], found["kept"] is None) == (1, how == "missing")
    await _is_whole(folder / "data")
    assert await _kept_in(folder / "data") == [LESSON]


async def test_a_zeroed_page_of_the_ledger_is_found_and_a_backup_takes_its_place(folder):
    with (folder / "data" / LEDGER_FILE).open("r+b") as ledger:
        ledger.seek(4096 * 10)
        ledger.write(bytes(4096 * 4))
    _, said = await _states(folder / "data", code=1)
    assert "fleetlore restore FILE" in said
    await run("restore", folder / "backup.sqlite", "--yes", "--data", folder / "data")
    await _is_whole(folder / "data")


async def test_a_backup_is_put_back_under_a_running_server_and_so_is_what_it_replaced(folder):
    data = folder / "data"
    async with in_process(data) as fleet:
        await fleet.teach(LATER, task=TASK)
        assert await _lessons(fleet) == [LATER, LESSON]
        replaced = (await told("restore", folder / "backup.sqlite", "--yes", "--data", data))["kept"]
        assert await _lessons(fleet) == [LESSON]
        await fleet.teach("A lesson after it", task=TASK)
        assert await _lessons(fleet) == ["A lesson after it", LESSON]
        await run("restore", replaced, "--yes", "--data", data)
        assert await _lessons(fleet) == [LATER, LESSON]
    await _is_whole(data)


async def test_a_report_that_is_taken_while_a_rebuild_ends_is_seen_by_everybody_afterwards(folder):
    data = folder / "data"
    report = ("add", LATER, "--applies-when", TASK, "--data", data)
    with suspended_at("fleetlore.storage.rebuilding:fill", "rebuild", "--data", data):
        await run(*report)  # it is in none of the tables
    await _is_whole(data)
    assert await _kept_in(data) == [LATER, LESSON]


async def test_the_ledger_itself_is_neither_where_a_backup_goes_nor_one_to_put_back(folder):
    data = folder / "data"
    async with in_process(data) as fleet:
        await fleet.teach(LATER, task=TASK)
        (folder / "same.sqlite").hardlink_to(data / LEDGER_FILE)
        for name in (data / LEDGER_FILE, data / f"{LEDGER_FILE}-wal", folder / "same.sqlite"):
            for command in (("backup", name, "--force"), ("restore", name, "--yes")):
                with pytest.raises(FileRefused, match="it is what is"):
                    await run(*command, "--data", data)
        assert await _lessons(fleet) == [LATER, LESSON]
    await _is_whole(data)


async def test_a_copy_made_by_hand_is_put_back_with_what_was_written_last_or_not_at_all(folder):
    data, copy = folder / "data", folder / "by hand"
    copy.mkdir()
    async with in_process(data) as fleet:
        await fleet.teach(LATER, task=TASK)
        for name in (LEDGER_FILE, f"{LEDGER_FILE}-wal"):
            shutil.copy(data / name, copy)
    with pytest.raises(FileRefused, match=r"what was written last is in ledger\.sqlite-wal beside it"):
        await run("restore", copy / LEDGER_FILE, "--yes", "--data", data)
    await run("backup", folder / "whole.sqlite", "--data", copy)
    await run("restore", folder / "whole.sqlite", "--yes", "--data", data)
    assert await _kept_in(data) == [LATER, LESSON]


def test_what_is_replaced_is_kept_or_nothing_is_replaced(folder):
    ledger, kept = folder / "data" / LEDGER_FILE, folder / "kept.sqlite"
    with closing(sqlite3.connect(ledger, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO meta (key, value) VALUES ('acknowledged', 'late')")
        with pytest.raises(StorageBusy):
            put_back(folder / "backup.sqlite", ledger, kept, patience=0)
        assert not kept.exists()
        writer.execute("COMMIT")
        kept.write_text("of somebody else")
        with pytest.raises(FileExistsError):
            put_back(folder / "backup.sqlite", ledger, kept)
        assert kept.read_text() == "of somebody else"
        assert writer.execute("SELECT value FROM meta WHERE key = 'acknowledged'").fetchone() == ("late",)


async def test_a_ledger_that_is_not_converted_yet_is_told_as_such_and_left_alone(folder):
    data = folder / "data"
    with closing(sqlite3.connect(data / LEDGER_FILE)) as ledger:
        ledger.execute(f"PRAGMA user_version = {SCHEMA - 1}")
    wrong, said = await _states(data, code=1)
    assert ("an older fleetlore made it" in wrong[0], len(wrong)) == (True, 1), said
    with closing(sqlite3.connect(data / LEDGER_FILE)) as ledger:
        assert ledger.execute("PRAGMA user_version").fetchone() == (SCHEMA - 1,)
    (data / LEDGER_FILE).write_bytes(b"")
    assert f"{LEDGER_FILE} is empty" in (await _states(data, code=1))[1]
    assert (data / LEDGER_FILE).read_bytes() == b""


async def test_an_older_ledger_put_back_by_hand_under_newer_spaces_shows_what_it_knows(folder):
    data = folder / "data"
    async with in_process(data) as fleet:
        await fleet.teach(LATER, task=TASK)
    for name in (LEDGER_FILE, f"{LEDGER_FILE}-wal", f"{LEDGER_FILE}-shm"):
        (data / name).unlink(missing_ok=True)
    shutil.copy(folder / "backup.sqlite", data / LEDGER_FILE)
    async with in_process(data) as fleet:
        assert await _lessons(fleet) == [LESSON]
        await fleet.teach(LATER, task=TASK)
        assert await _lessons(fleet) == [LATER, LESSON]
    await _is_whole(data)


async def test_a_rebuild_that_was_killed_goes_on_where_it_was(folder):
    data = folder / "data"
    await killed_at("fleetlore.storage.spaces:KnowledgeSpaces.optimize", "rebuild", "--data", data)
    assert await _kept_in(data) == [LESSON]
    filled = sorted((data / "spaces" / "general_2.lance" / "data").iterdir())
    await run("rebuild", "--data", data)
    assert set(filled) <= set((data / "spaces" / "general_2.lance" / "data").iterdir())
    await _is_whole(data)
    assert (await told("status", "--data", data))["generation"] == 2


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("fleetlore.kmu.restoring:put_back", [LATER, LESSON]),
        ("fleetlore.storage.copying:copy_ledger", [LATER, LESSON]),  # in the transaction that replaces the ledger
    ],
)
async def test_a_restore_that_was_killed_has_happened_or_not(folder, place, found):
    data = folder / "data"
    async with in_process(data) as fleet:
        await fleet.teach(LATER, task=TASK)
    await killed_at(place, "restore", folder / "backup.sqlite", "--yes", "--data", data)
    await _is_whole(data)
    assert await _kept_in(data) == found
    await run("restore", folder / "backup.sqlite", "--yes", "--data", data)
    assert await _kept_in(data) == [LESSON]
    assert not (data / "restoring").exists()


async def test_a_backup_that_was_killed_is_none(folder):
    await killed_at("fleetlore.kmu.backups:contents_of", "backup", folder / "new.sqlite", "--data", folder / "data")
    assert not (folder / "new.sqlite").exists()
    await run("backup", folder / "new.sqlite", "--data", folder / "data")
    assert (folder / "new.sqlite").stat().st_mode & 0o777 == 0o600


async def test_files_that_are_no_backup_are_refused_and_nothing_is_changed(folder):
    data, backup = folder / "data", folder / "backup.sqlite"
    ledger = (data / LEDGER_FILE).read_bytes()

    async def refusal(*arguments):
        with pytest.raises((FileRefused, Refusal, DataDirectoryUnusable)) as refused:
            await run(*arguments, "--data", data)
        return str(refused.value)

    (folder / "notes.txt").write_text("no ledger at all")
    assert "cannot be read as a ledger" in await refusal("restore", folder / "notes.txt", "--yes")
    with closing(sqlite3.connect(folder / "other.sqlite")) as other:
        other.execute("CREATE TABLE t (a)")
    assert "it is no ledger of fleetlore" in await refusal("restore", folder / "other.sqlite", "--yes")
    assert "it is not there" in await refusal("restore", folder / "nothing", "--yes")
    assert "Add --yes" in await refusal("restore", backup)
    with closing(sqlite3.connect(shutil.copy(backup, folder / "newer.sqlite"))) as newer:
        newer.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    assert "a newer fleetlore made it" in await refusal("restore", folder / "newer.sqlite", "--yes")
    with closing(sqlite3.connect(shutil.copy(backup, folder / "forged.sqlite"))) as forged:
        forged.execute("UPDATE events SET agent = 'mallory' WHERE seq = 1")
        forged.commit()
    assert "it is not as it was recorded" in await refusal("restore", folder / "forged.sqlite", "--yes")
    assert "it is there already" in await refusal("backup", backup)
    assert "cannot be written" in await refusal("backup", folder / "missing" / "backup.sqlite")
    assert (data / LEDGER_FILE).read_bytes() == ledger
    assert "there is no fleetlore data" in str(
        await _refused(DataDirectoryUnusable, "backup", folder / "b", "--data", folder / "nowhere")
    )


async def _refused(kind, *arguments):
    with pytest.raises(kind) as refused:
        await run(*arguments)
    return refused.value
