"""Commands whose output nobody reads, or nothing has room for: no traceback, and no word more than is needed."""

import os
import subprocess

import pytest
from command import run

from fleet import COMMAND


def written_to(stdout, *arguments):
    """Exit code of a command of its own that writes to this descriptor, and what it tells on stderr."""
    line = [*COMMAND, *map(str, arguments)]
    try:
        done = subprocess.run(line, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    finally:
        os.close(stdout)
    return done.returncode, done.stderr


@pytest.fixture
async def data(tmp_path):
    await run("add", "Keep the old signing key for a day", "--data", tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize("command", ["search", "export"])
async def test_a_full_disk_is_told_on_one_line(data, command):
    told = "fleetlore: the system refused: no space left on device. Mend that and run it again.\n"
    assert written_to(os.open("/dev/full", os.O_WRONLY), command, "--data", data) == (1, told)


@pytest.mark.parametrize("command", ["search", "export", "doctor"])
async def test_whoever_has_read_enough_ends_a_command_without_a_word(data, command):
    reader, writer = os.pipe()
    os.close(reader)
    assert written_to(writer, command, "--data", data)[1] == ""
