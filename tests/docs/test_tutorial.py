"""The tutorial works as typed: its commands are run in order, and what it shows is what they say.

A reader types the ids that his own terminal shows: so does the test, which learns them from the output. `…` stands for
anything, on a line of its own for any lines.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
ID = re.compile(r"\b[kpfr]_[0-9a-z]{20}\b")


def steps():
    """Each command of the tutorial with the lines that it is said to print."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", TUTORIAL.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def pattern_of(lines, known):
    """What the output must match; ids that are not known yet are captured, under the names that the tutorial has."""
    seen = set()

    def one_id(match):
        name = match[0]
        if name in known:
            return known[name]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>{name[:2]}[0-9a-z]{{20}})"

    parts = []
    for line in lines:
        if line == "…":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(ID.sub(one_id, re.escape(line).replace("…", ".*")) + r"\n")
    return "".join(parts) + r"\Z"


def as_typed(command, known):
    """The command with the ids of this store."""
    return ID.sub(lambda match: known.get(match[0], match[0]), command)


def test_every_command_of_the_tutorial_does_what_it_shows(tmp_path):
    home, folder = tmp_path / "home", tmp_path
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLEETLORE_", "XDG_", "CLAUDE"))}
    environment = kept | {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "NO_COLOR": "1",
        "COLUMNS": "120",
    }
    ids = {}
    run = steps()
    assert len(run) > 10
    for command, shown in run:
        typed = as_typed(command, ids)
        line = f"{typed} && pwd > {tmp_path}/folder"  # a reader's shell stays where `cd` took it
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, f"{typed}\n{done.stdout}{done.stderr}"
        folder = Path((tmp_path / "folder").read_text().strip())
        matched = re.match(pattern_of(shown, ids), done.stdout)
        assert matched, f"{typed}\nsays\n{done.stdout}\nand not\n" + "\n".join(shown)
        ids |= matched.groupdict()
