"""The machine that clients are installed on: what the patterns of the dialects stand for here."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleetlore.server.clients.dialects import Dialect


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Home folder, environment and platform (as `sys.platform` has it), and the project in whose folder we are."""

    home: Path
    environ: Mapping[str, str]
    platform: str
    project: Path

    @classmethod
    def here(cls, folder: Path) -> "Machine":
        """This machine, with work in that folder."""
        project = project_root(folder.resolve())
        return cls(home=Path.home(), environ=os.environ, platform=sys.platform, project=project)

    def place(self, pattern: str) -> Path:
        """The path that a pattern of a dialect stands for."""
        return Path(
            pattern.format(
                home=self.home,
                project=self.project,
                apps=self._apps(),
                config=self._apps() if self.platform == "win32" else self._config(),
                claude=self._moved("CLAUDE_CONFIG_DIR", self.home / ".claude"),
                claude_state=self._moved("CLAUDE_CONFIG_DIR", self.home),
                codex=self._moved("CODEX_HOME", self.home / ".codex"),
            )
        )

    def has(self, dialect: Dialect) -> bool:
        """Whether that client seems to be here: one of its folders, or its program."""
        if any(self.place(sign).exists() for sign in dialect.signs):
            return True
        return bool(dialect.program) and shutil.which(dialect.program, path=self.environ.get("PATH", "")) is not None

    def _apps(self) -> Path:
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        if self.platform == "win32":
            return self._moved("APPDATA", self.home / "AppData" / "Roaming")
        return self._config()

    def _config(self) -> Path:
        return self._moved("XDG_CONFIG_HOME", self.home / ".config")

    def _moved(self, variable: str, usual: Path) -> Path:
        return Path(self.environ[variable]).expanduser() if self.environ.get(variable) else usual


def project_root(folder: Path) -> Path:
    """The root of the git repository that a folder is in; else the folder."""
    for each in (folder, *folder.parents):
        if (each / ".git").exists():
            return each
    return folder
