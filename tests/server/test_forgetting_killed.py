"""Forgetting that is killed in mid-work: pending, shown to nobody, and brought to its end by the same command."""

import signal
import sys

import anyio
import pytest
from command import told
from erasing import MARK, TASK, erase, marked, traces, whole

from fleet import in_process

KILLED = """
import os, signal, sys
from fleetlore.server.cli import main
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.spaces import KnowledgeSpaces

def killed(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

owners = {"KnowledgeSpaces": KnowledgeSpaces, "Ledger": Ledger}
owner, name = sys.argv.pop(1).split(".")
setattr(owners[owner], name, killed)
main()
"""


@pytest.mark.parametrize("stage", ["KnowledgeSpaces.keep_only", "Ledger.purge"])
async def test_an_erasure_that_is_killed_is_pending_until_the_same_command_ends_it(tmp_path, stage):
    data = tmp_path / "data"
    async with in_process(data) as fleet:
        item = await marked(fleet)
    command = [sys.executable, "-c", KILLED, stage, "forget", "--match", MARK, "--yes", "--data", data]
    assert (await anyio.run_process(command, check=False)).returncode == -signal.SIGKILL
    assert (await whole(data))["pending"].startswith("p_")
    async with in_process(data) as fleet:
        assert (await fleet.retrieve(TASK, agent="eve"))["items"] == []
    assert (await erase(data, "--match", MARK))["finished"]
    assert traces(data) == []
    assert (await whole(data))["pending"] is None
    assert (await told("show", item, "--data", data))["status"] == "erased"
