"""The project that a stdio server was started in: its git remote, else its folder."""

import re
import subprocess
from pathlib import Path

_REMOTE = re.compile(r"(?:^[a-z+]+://[^/]+/|^[^/:]+:)(?P<path>.+?)(?:\.git)?/?$")
_PATIENCE_SECONDS = 2


def project_of(folder: Path) -> str:
    """`owner/name` of the folder's git remote; else the folder's name, unless it is the home folder or the root."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), "remote", "get-url", "origin"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        remote = ""
    else:
        remote = answer.stdout.strip()
    if found := _REMOTE.match(remote):
        return found["path"]
    return "" if folder in (Path.home(), Path(folder.anchor)) else folder.name
