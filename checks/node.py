"""Node packages in a folder of their own, and a Node that is new enough to run them."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

OLDEST = 22
_PATIENCE_SECONDS = 240
_QUIET = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")


@dataclass(frozen=True, kw_only=True)
class NodeFolder:
    """A folder with installed packages; `node` is the program that runs their scripts."""

    path: Path
    node: Path

    def script(self, name: str) -> list[str]:
        """The command line that starts an installed package's command."""
        return [str(self.node), str(self.path / "node_modules" / ".bin" / name)]


@contextmanager
def node_folder(*packages: str) -> Iterator[NodeFolder]:
    """Installs packages into a temporary folder; Node too, where the machine's own is older than `OLDEST`."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        sys.exit("node and npm are needed on the PATH")
    old = _version(Path(node)) < OLDEST
    with TemporaryDirectory(prefix="fleetlore-node-") as name:
        path = Path(name)
        (path / "package.json").write_text('{"private": true}', "utf-8")
        wanted = [*packages, *([f"node@{OLDEST}"] if old else [])]
        print(f"installing {', '.join(wanted)}", flush=True)
        subprocess.run([npm, "install", *_QUIET, *wanted], cwd=path, check=True, timeout=_PATIENCE_SECONDS)
        yield NodeFolder(path=path, node=_own_node(path, Path(node)) if old else Path(node))


def _own_node(path: Path, node: Path) -> Path:
    package = path / "node_modules" / "node"
    own = package / "bin" / "node"
    if not own.exists():  # an npm that runs no install scripts
        subprocess.run([str(node), "installArchSpecificPackage.js"], cwd=package, check=True, timeout=_PATIENCE_SECONDS)
    return own


def _version(node: Path) -> int:
    answer = subprocess.run([str(node), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v(\d+)", answer)
    return int(found[1]) if found else 0
