"""Data on a network disk: refused with the way out, and used where whoever starts it takes the blame."""

import anyio
import pytest
from click.testing import CliRunner

from fleet import in_process
from fleetlore.server.cli import commands
from fleetlore.storage.errors import NetworkDisk, known_fault
from fleetlore.storage.mounts import Mounts

TABLE = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 0:40 / {} rw - nfs4 files:/home rw"


async def _run(place, *arguments, **environment):
    mounts = Mounts(table=TABLE.format(place))
    line = [str(argument) for argument in arguments]
    return await anyio.to_thread.run_sync(
        lambda: CliRunner(env=environment).invoke(commands, line, obj=mounts), abandon_on_cancel=True
    )


@pytest.mark.parametrize(
    "command", [["add", "a lesson"], ["serve"], ["status"], ["import", "-", "--format", "markdown"]]
)
async def test_no_command_opens_data_on_a_network_disk_unasked(tmp_path, command):
    async with in_process(tmp_path):
        pass
    result = await _run(tmp_path, *command, "--data", tmp_path)
    error = known_fault(result.exception)
    assert isinstance(error, NetworkDisk)
    told = str(error)
    assert told == str(NetworkDisk(tmp_path, "nfs4"))
    assert "fleetlore serve --transport http" in told
    assert "--allow-network-disk" in told


async def test_a_network_disk_is_used_where_it_is_allowed_and_a_local_one_always(tmp_path):
    async with in_process(tmp_path):
        pass
    for place, options, environment in (
        (tmp_path, ["--allow-network-disk"], {}),
        (tmp_path, [], {"FLEETLORE_ALLOW_NETWORK_DISK": "1"}),
        (tmp_path / "elsewhere", [], {}),
    ):
        result = await _run(place, "status", "--data", tmp_path, *options, **environment)
        assert result.exit_code == 0, result.output


async def test_a_server_on_a_network_disk_says_so_all_the_while(tmp_path):
    async with in_process(tmp_path, network_disk="nfs4") as fleet:
        await fleet.retrieve("deploy")
        degraded = (await fleet.resource("fleetlore://status"))["degraded"]
        assert degraded == {"disk": "a network disk (nfs4), which no other machine may use meanwhile"}


async def test_the_doctor_opens_data_on_a_network_disk_and_names_it(tmp_path):
    result = await _run(tmp_path, "doctor", "--data", tmp_path)
    assert f"XX  disk: {tmp_path} lies on a network disk (nfs4)" in result.output
