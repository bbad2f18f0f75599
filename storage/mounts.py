"""On what sort of disk a directory lies: on another machine's, locks between processes do not hold."""

from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

_TABLE = Path("/proc/self/mountinfo")
_NETWORK = frozenset(("9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "gpfs", "lustre"))
_NETWORK |= {"ncpfs", "nfs", "nfs4", "smb3", "smbfs", "fuse.ceph", "fuse.curlftpfs", "fuse.davfs2", "fuse.gcsfuse"}
_NETWORK |= {"fuse.glusterfs", "fuse.goofys", "fuse.juicefs", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mounts:
    """What is mounted where, as Linux tells it (`proc_pid_mountinfo(5)`); empty where the system tells nothing."""

    table: str

    @classmethod
    def here(cls) -> "Mounts":
        """Those of this process."""
        return cls(table=_TABLE.read_text("utf-8", "surrogateescape") if _TABLE.exists() else "")

    def kind(self, path: Path) -> str:
        """The type of the file system that a path lies on, or would; "" where nobody tells."""
        resolved, found = path.resolve(), ("", -1)
        for line in self.table.splitlines():
            before, _, after = line.partition(" - ")
            place = Path(_unescaped(before.split(" ")[4]))
            if resolved.is_relative_to(place) and len(place.parts) >= found[1]:  # the last one hides those below it
                found = (after.split(" ")[0], len(place.parts))
        return found[0]

    def network(self, path: Path) -> str:
        """The type of the network file system that a path lies on; "" where it lies on none that we know."""
        if PureWindowsPath(path).drive.startswith("\\\\"):
            return "a share of another machine"
        kind = self.kind(path)
        return kind if kind in _NETWORK else ""


def _unescaped(place: str) -> str:
    """A mount point as the kernel writes it: blanks, tabs, line ends and backslashes are octal."""
    for code, sign in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        place = place.replace(code, sign)
    return place
