"""A home folder and a project of somebody who connects assistants, for tests of the command line."""

import os
from pathlib import Path

from click.testing import CliRunner

from fleetlore.server.cli import commands
from fleetlore.server.clients.dialects import DIALECTS, Scope
from fleetlore.server.clients.machine import Machine
from fleetlore.storage.errors import FleetloreError


class Desk:
    """Runs commands with this home; nothing of the machine's own home is seen."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.home, self.project, self.programs = folder / "home", folder / "project", folder / "programs"
        for each in (self.home, self.project / ".git", self.programs):
            each.mkdir(parents=True)
        hidden = ("XDG_", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "FLEETLORE_", "APPDATA")
        self.environ: dict[str, str | None] = {name: None for name in os.environ if name.startswith(hidden)}
        self.environ |= {"HOME": str(self.home), "PATH": str(self.programs), "NO_COLOR": "1", **environ}

    def run(self, *words: object, code: int = 0) -> str:
        """What a command tells; refusals are raised, as `main` would see them."""
        told = CliRunner().invoke(commands, [str(word) for word in words], env=self.environ)
        if isinstance(told.exception, FleetloreError):
            raise told.exception
        assert told.exit_code == code, told.output
        return told.output

    def install(self, client: str, *words: object) -> str:
        return self.run("install", client, "--project-dir", self.project, *words)

    def uninstall(self, client: str, *words: object) -> str:
        return self.run("uninstall", client, "--project-dir", self.project, *words)

    def settings(self, client: str, scope: Scope = "user") -> Path:
        """The client's file of servers."""
        return self.machine().place(DIALECTS[client].files[scope])

    def machine(self, platform: str = "linux") -> Machine:
        return Machine(home=self.home, environ={}, platform=platform, project=self.project)

    def forget(self) -> None:
        """Loses the journal and the backups."""
        folder = self.home / ".local" / "state" / "fleetlore"
        for file in sorted(folder.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()

    def files(self) -> dict[str, bytes | str]:
        """Everything there is, but for our own journal: contents, and where links lead."""
        found: dict[str, bytes | str] = {}
        for folder in (self.home, self.project):
            for path in sorted(folder.rglob("*")):
                name = str(path.relative_to(folder.parent))
                if not name.startswith("home/.local"):
                    if path.is_symlink():
                        found[name] = f"-> {path.readlink()}"
                    else:
                        found[name] = b"" if path.is_dir() else path.read_bytes()
        return found
