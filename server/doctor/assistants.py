"""The assistants' own files: whether what they start is there, what they reach answers, and tokens can be found."""

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fleetlore.server.address import token_in
from fleetlore.server.clients import json_edit, toml_edit
from fleetlore.server.clients.connection import NAME
from fleetlore.server.clients.dialects import DIALECTS, Dialect
from fleetlore.server.clients.files import read, text_of
from fleetlore.server.clients.machine import Machine
from fleetlore.server.doctor.finding import Finding, failure, warning, well
from fleetlore.server.doctor.reachable import answers
from fleetlore.storage.errors import FileRefused, Refusal

_REFERENCE = re.compile(r"\$\{(?:env:)?([A-Za-z_]\w*)\}")


def assistants(machine: Machine) -> Iterator[Finding]:
    """A finding for each file of an assistant that names fleetlore, and one where none of those here does."""
    connected = False
    for client, dialect in DIALECTS.items():
        for scope, pattern in dialect.files.items():
            path = machine.place(pattern)
            try:
                entry = _entry(dialect, path)
            except FileRefused as refused:
                yield failure(dialect.title, str(refused), f"Mend it, then run: fleetlore install {client}")
                continue
            if entry is not None:
                connected = True
                again = f"fleetlore install {client}{'' if scope == 'user' else ' --scope project'} --force"
                yield from _examined(dialect, path, entry, machine.environ, again)
    if not connected:
        here = [client for client, dialect in DIALECTS.items() if machine.has(dialect)]
        seen = f"none of those found here knows fleetlore ({', '.join(here)})" if here else "none was found here"
        yield warning("assistants", seen, f"Connect one: fleetlore install {here[0] if here else 'CLIENT'}")


def _entry(dialect: Dialect, path: Path) -> dict[str, Any] | None:
    """What stands under our name in a client's file."""
    text = text_of(path, read(path))
    found = (toml_edit.table if dialect.format == "toml" else json_edit.member)(text, (dialect.servers, NAME), path)
    return found if isinstance(found, dict) else None


def _variables(dialect: Dialect, entry: Mapping[str, Any]) -> set[str]:
    """The variables of the environment that an entry refers to, in whatever form its client has."""
    named = entry.get(dialect.token_key)
    found = {named} if isinstance(named, str) else set()
    headers = entry.get("headers")
    told = [value for value in headers.values() if isinstance(value, str)] if isinstance(headers, dict) else []
    return found | {name for value in told for name in _REFERENCE.findall(value)}


def _examined(
    dialect: Dialect, path: Path, entry: Mapping[str, Any], environ: Mapping[str, str], again: str
) -> Iterator[Finding]:
    address, command = entry.get(dialect.address), entry.get("command")
    if isinstance(address, str):
        variables = _variables(dialect, entry)
        try:
            token = next((token_in(variable, environ) for variable in sorted(variables & environ.keys())), "")
        except Refusal as refusal:
            yield failure(dialect.title, f"{path}: {refusal.problem}", refusal.remedy)
            return
        yield from answers(address, subject=dialect.title, asked_for=True, token=token)
        for variable in sorted(variables - environ.keys()):
            yield warning(
                dialect.title, f"{path} takes its token from {variable}, which is not set here", f"Set {variable}"
            )
    elif not isinstance(command, str):
        yield failure(dialect.title, f"{path} says neither what to start nor what to reach", f"Run: {again}")
    elif shutil.which(command, path=environ.get("PATH", "")) is None:
        yield failure(dialect.title, f"{path} starts {command}, which is not there", f"Run: {again}")
    else:
        yield well(dialect.title, f"{path} starts {command}")
