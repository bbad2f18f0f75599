"""Each memory in an environment of its own, made anew by its ecosystem's installer, so that its size can be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

INSTALL_SECONDS = 1200
PROBE = "import sqlite3, sys; print(sys.version_info >= {least}, hasattr(sqlite3.Connection, 'enable_load_extension'))"


class NotInstalled(RuntimeError):
    """There is no interpreter for it, or its installer failed; says why in one line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Python:
    """Packages from the Python index, for an interpreter of at least this version."""

    packages: tuple[str, ...]
    least: tuple[int, int] = (3, 11)
    extensions: bool = False
    """Its SQLite must load extensions, which not every interpreter is built to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """Packages from the JavaScript registry."""

    packages: tuple[str, ...]


Requirements = Python | Node


def environment_of(work: Path, name: str) -> Path:
    return work / "environments" / name


def binary(environment: Path, name: str) -> Path:
    return environment / ("Scripts" if os.name == "nt" else "bin") / name


def install(requirements: Requirements, environment: Path) -> None:
    """Make the environment, unless a whole one is there from an earlier run."""
    done = environment.with_name(f"{environment.name}.installed")
    if done.exists() and done.read_text() == repr(requirements):
        return
    shutil.rmtree(environment, ignore_errors=True)
    environment.parent.mkdir(parents=True, exist_ok=True)
    match requirements:
        case Python(packages=packages):
            install_python(packages, environment, interpreter(requirements))
        case Node(packages=packages):
            environment.mkdir()
            npm = shutil.which("npm")
            if npm is None:
                raise NotInstalled("there is no npm on PATH")
            run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(environment), *packages])
    done.write_text(repr(requirements))


def install_python(packages: tuple[str, ...], environment: Path, python: str) -> None:
    """Install into an environment that holds no installer of its own, which would count."""
    if uv := shutil.which("uv"):
        run([uv, "venv", "--python", python, str(environment)])
        run([uv, "pip", "install", "--python", str(binary(environment, "python")), *packages])
        return
    run([python, "-m", "venv", "--without-pip", str(environment)])
    pip = [sys.executable, "-m", "pip", "--python", str(binary(environment, "python"))]
    run([*pip, "install", "--quiet", *packages])


def interpreter(wanted: Python) -> str:
    """Find one that fits: rather outside a home folder, where any user may run it, and with extensions if need be."""
    names = ("python3.13", "python3.12", "python3.11", "python3")
    found = [sys.executable, *(str(Path(folder) / name) for name in names for folder in os.get_exec_path())]
    found.sort(key=lambda path: Path(path).resolve().is_relative_to(Path.home()))
    fitting = [fit for fit in ((path, *probe(path, wanted.least)) for path in dict.fromkeys(found)) if fit[1]]
    if not fitting:
        raise NotInstalled(f"needs Python {'.'.join(map(str, wanted.least))} or newer, and there is none on PATH")
    loading = [path for path, _, extensions in fitting if extensions]
    return loading[0] if wanted.extensions and loading else fitting[0][0]


def probe(path: str, least: tuple[int, int]) -> tuple[bool, bool]:
    """Is it an interpreter of this version, and does its SQLite load extensions?"""
    if not Path(path).exists():
        return False, False
    answer = subprocess.run([path, "-c", PROBE.format(least=least)], capture_output=True, text=True, check=False)
    words = answer.stdout.split()
    return words[:1] == ["True"], words[1:] == ["True"]


def run(line: list[str]) -> None:
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"its installer took longer than {INSTALL_SECONDS} s") from None
    if done.returncode:
        said = [one for one in done.stderr.splitlines() if one.startswith(("ERROR", "error", "npm error", "  ×"))]
        raise NotInstalled(
            f"its installer failed: {(said or done.stderr.splitlines() or ['no reason given'])[-1][:300]}"
        )


def megabytes(folder: Path) -> float:
    """Return what a folder takes on disk, a file with several names once."""
    files = {(stat.st_dev, stat.st_ino): stat for stat in (path.lstat() for path in folder.rglob("*"))}
    return sum(getattr(stat, "st_blocks", stat.st_size / 512) * 512 for stat in files.values()) / 1e6
