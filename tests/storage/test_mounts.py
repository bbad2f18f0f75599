"""Where a directory lies, by the table of mounts that the kernel gives."""

from pathlib import Path

import pytest

from fleetlore.storage.mounts import Mounts

TABLE = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:40 / /home rw,relatime shared:2 master:1 - nfs4 files:/home rw,vers=4.2
24 23 8:2 / /home/ana/fast rw,relatime - xfs /dev/sdb1 rw
25 22 0:41 / /mnt/team\040share rw - cifs //files/team rw
26 22 0:42 / /mnt/elsewhere rw - fuse.sshfs ana@far:/ rw
27 22 0:43 / /mnt/wsl rw - 9p C: rw
28 22 8:3 / /twice rw - nfs4 files:/twice rw
29 28 8:4 / /twice rw - ext4 /dev/sdc1 rw
30 22 0:44 / /var/lib/box rw - overlay overlay rw
31 22 8:5 / /crypt rw - fuse.gocryptfs /cipher rw
""".strip()


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/srv/data", "ext4", ""),
        ("/home/ana/.local/share/fleetlore", "nfs4", "nfs4"),
        ("/home/ana/fast/fleetlore", "xfs", ""),
        ("/homes", "ext4", ""),
        ("/mnt/team share/data", "cifs", "cifs"),
        ("/mnt/elsewhere/data", "fuse.sshfs", "fuse.sshfs"),
        ("/mnt/wsl/data", "9p", "9p"),
        ("/twice/data", "ext4", ""),
        ("/var/lib/box/data", "overlay", ""),
        ("/crypt/data", "fuse.gocryptfs", ""),
    ],
)
def test_a_path_lies_on_the_nearest_mount_and_of_two_on_the_upper_one(path, kind, network):
    mounts = Mounts(table=TABLE)
    assert (mounts.kind(Path(path)), mounts.network(Path(path))) == (kind, network)


def test_where_nobody_tells_nothing_is_known_and_a_share_of_windows_is_told_by_its_name():
    nothing = Mounts(table="")
    assert (nothing.kind(Path("/srv")), nothing.network(Path("/srv"))) == ("", "")
    assert nothing.network(Path(r"\\files\team\data")) == "a share of another machine"
    assert Mounts.here().kind(Path("/proc/self")) in {"proc", ""}  # "": a system that has no such table
