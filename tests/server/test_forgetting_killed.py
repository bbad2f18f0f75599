"""Forgetting that is killed in mid-work: pending, shown to nobody, and brought to its end by the same command."""

import pytest
from command import told
from erasing import MARK, TASK, erase, marked, traces, whole
from killing import killed_at

from fleet import in_process


@pytest.mark.parametrize(
    "stage", ["fleetlore.storage.spaces:KnowledgeSpaces.keep_only", "fleetlore.storage.ledger:Ledger.purge"]
)
async def test_an_erasure_that_is_killed_is_pending_until_the_same_command_ends_it(tmp_path, stage):
    data = tmp_path / "data"
    async with in_process(data) as fleet:
        item = await marked(fleet)
    await killed_at(stage, "forget", "--match", MARK, "--yes", "--data", data)
    assert (await whole(data))["pending"].startswith("p_")
    async with in_process(data) as fleet:
        assert (await fleet.retrieve(TASK, agent="eve"))["items"] == []
    assert (await erase(data, "--match", MARK))["finished"]
    assert traces(data) == []
    assert (await whole(data))["pending"] is None
    assert (await told("show", item, "--data", data))["status"] == "erased"
