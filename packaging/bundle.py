"""Lays out the MCP bundle in a new folder: `python packaging/bundle.py FOLDER`; `mcpb pack FOLDER FILE` packs it.

It holds this checkout's wheel, and a project that takes fleetlore from that wheel alone: the host's uv installs it
with its libraries, which have native wheels for each platform, when the bundle is first started.
"""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PROJECT = """\
[project]
name = "fleetlore-bundle"
version = "{version}"
requires-python = "{requires}"
dependencies = ["fleetlore"]

[tool.uv]
package = false

[tool.uv.sources]
fleetlore = {{ path = "{wheel}" }}
"""


def lay_out(folder: Path) -> None:
    """Fills a folder that does not exist yet."""
    shutil.copytree(ROOT / "packaging" / "mcpb", folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "LICENSE", folder)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)],
        check=True,
    )
    [wheel] = folder.glob("*.whl")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    text = _PROJECT.format(version=project["version"], requires=project["requires-python"], wheel=wheel.name)
    (folder / "pyproject.toml").write_text(text, "utf-8")


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
